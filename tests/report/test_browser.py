"""The report in a browser: opens without a complaint, sorts by its headings, and fits a telephone."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lossary.lab.asking.task import Kind

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")

PROBE = """<script>
addEventListener("load", () => {
  const table = document.querySelector("#results table");
  const head = table.tHead.rows[0].cells[1];
  const column = () => [...table.tBodies[0].rows].map((row) => Number(row.cells[1].dataset.key));
  head.querySelector("button").focus();
  head.querySelector("button").click();
  const up = column();
  head.querySelector("button").click();
  const down = column();
  document.title = JSON.stringify({wide: document.documentElement.scrollWidth, inner: innerWidth,
    up, down, sort: head.getAttribute("aria-sort")});
});
</script></body>"""


def browse(path: Path, profile: Path, width: int) -> tuple[str, str]:
    """The page's elements after it has run, and what the browser logged."""
    assert BROWSER is not None
    done = subprocess.run(
        [
            BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr", f"--user-data-dir={profile}",
            f"--window-size={width},900", "--dump-dom", path.as_uri(),
        ],
        capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip
    return done.stdout, done.stderr


@pytest.fixture(scope="module")
def text(drawn: Callable[[Kind], str]) -> str:
    return drawn(Kind.REGRESSION)


def test_the_report_opens_without_a_complaint(text: str, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(text, encoding="utf-8")
    dom, log = browse(path, tmp_path / "profile", 1400)
    assert "CONSOLE" not in log, log
    assert dom.count("<button") > 10  # the script ran: its policy let it


@pytest.mark.parametrize("width", [360, 1400])
def test_the_report_sorts_and_fits_its_window(text: str, tmp_path: Path, width: int) -> None:
    path = tmp_path / "probe.html"
    probed = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text).replace("</body>", PROBE)
    path.write_text(probed, encoding="utf-8")
    dom, _ = browse(path, tmp_path / "profile", width)
    title = re.search(r"<title>(.*?)</title>", dom)
    assert title is not None
    found = json.loads(title.group(1).replace("&quot;", '"'))
    assert found["wide"] <= found["inner"]
    assert found["up"] == sorted(found["up"]) and found["down"] == found["up"][::-1]
    assert found["sort"] == "descending"
