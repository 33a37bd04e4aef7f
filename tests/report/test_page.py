"""The report as a file: self-contained, safe whatever a column is called, every chart with its table."""

from __future__ import annotations

import base64
import hashlib
import io
import math
import os
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lossary.lab.asking.task import Kind
from lossary.lab.behaving import Thumbnail
from lossary.lab.comparison import Comparison, Confusion, Curve
from lossary.lab.data import read
from lossary.lab.judging.robustness import robustness
from lossary.lab.judging.verdict import Verdict
from lossary.report.page import page, write_report
from lossary.report.script import write_script

Made = Callable[[Kind], Comparison]
Drawn = Callable[[Kind], str]
Compared = Callable[..., Comparison]
NASTY = "<script>alert(1)</script>"
KINDS = [Kind.BINARY, Kind.MULTICLASS, Kind.REGRESSION]
ADDRESSES = {
    "src",
    "href",
    "xlink:href",
    "action",
    "data",
    "srcset",
    "poster",
    "formaction",
    "ping",
    "background",
}


class Seen(HTMLParser):
    """Every element with its attributes, the text of scripts and styles, and all other text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        last = self.elements[-1][0] if self.elements else ""
        if last in self.raw:
            self.raw[last].append(data)
        self.text += data

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.elements)


@pytest.fixture(scope="module", params=KINDS)
def text(request: pytest.FixtureRequest, drawn: Drawn) -> str:
    return drawn(request.param)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages without figures, for what is not about them: drawing is most of a page's time."""
    monkeypatch.setattr("lossary.report.page.figures", lambda comparison: ())


def test_the_report_names_no_address_outside_itself(text: str) -> None:
    seen = Seen(text)
    for tag, attributes in seen.elements:
        for name, value in attributes.items():
            if name in ADDRESSES:
                assert (value or "").startswith("#" if tag != "img" else "data:image/png;base64,"), (
                    tag,
                    name,
                )
            assert not re.search(r"url\((?!#)", value or ""), (tag, name, value)
            assert "http:" not in (value or "") and "https:" not in (value or ""), (tag, name, value)
        assert tag not in {"link", "iframe", "img", "object", "embed", "base", "form", "a:href"}
    for style in seen.raw["style"]:
        assert "@import" not in style and "url(" not in style
    for script in seen.raw["script"]:
        assert not re.search(r"fetch|XMLHttp|import\(|http", script)


def test_the_policy_allows_the_one_script_and_the_one_style_sheet_by_their_hashes(
    text: str,
) -> None:
    seen = Seen(text)
    assert (seen.count("script"), seen.count("style")) == (1, 1)
    policy = next(
        a["content"] or "" for t, a in seen.elements if a.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'") and "unsafe" not in policy
    for kind in ("script", "style"):
        body = re.search(rf"<{kind}>(.*?)</{kind}>", text, re.S)
        assert body is not None
        digest = base64.b64encode(hashlib.sha256(body.group(1).encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert not any("style" in attributes for _, attributes in seen.elements)
    assert not any(name.startswith("on") for _, attributes in seen.elements for name in attributes)


def test_a_column_called_like_a_script_is_text(drawn: Drawn) -> None:
    text = drawn(Kind.REGRESSION)
    assert NASTY not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert NASTY in Seen(text).text


def test_classes_called_like_a_script_are_text_in_charts_too(compared: Compared) -> None:
    names = {"benign": NASTY, "malignant": "</svg><script>alert(2)</script>\x1b[31m\u202e"}
    table = read("breast_cancer")
    frame = table.frame.assign(diagnosis=table.frame["diagnosis"].map(names))
    text = page(compared(replace(read(frame, "diagnosis"), name="<img src=x onerror=alert(3)>"), Kind.BINARY))
    seen = Seen(text)
    assert seen.count("script") == 1 and seen.count("img") == 0
    assert "\x1b" not in text and "\u202e" not in text
    drawings = re.findall(r"<svg.*?</svg>", text, re.S)
    assert any("&lt;script&gt;" in drawing for drawing in drawings)


def test_every_chart_has_its_table(text: str) -> None:
    sections = re.findall(r'<section id="\w+">(?:(?!<section).)*?<figure>.*?</section>', text, re.S)
    assert len(sections) >= 4
    for section in sections:
        assert "<svg" in section
        table = section.partition("<details>")[2]
        assert table.count("<tr>") >= 2, section[:80]


def test_the_figures_are_those_the_task_calls_for(drawn: Drawn) -> None:
    for kind, expected in {
        Kind.BINARY: {"confusion", "calibration"},
        Kind.MULTICLASS: {"confusion"},
        Kind.REGRESSION: {"residuals", "sizes"},
    }.items():
        found = set(re.findall(r'<section id="(\w+)">', drawn(kind)))
        always = {"differences", "learning", "rates", "disagreement", "listening", "metrics"}
        assert found - {"results", "data", "method"} == expected | always


def test_rows_on_which_losses_disagree_are_shown_with_what_each_said(drawn: Drawn) -> None:
    section = re.search(r'<section id="disagreement">.*?</section>', drawn(Kind.REGRESSION), re.S)
    assert section is not None
    seen = Seen(section.group())
    for words in ("17", "120", "−20", "3.5", NASTY, "How far two losses lie apart"):
        assert words in seen.text, words
    assert seen.count("img") == 0


def test_a_loss_without_a_slope_of_one_row_is_named_with_the_reason(drawn: Drawn) -> None:
    assert "hinge is not shown: it has no slope of a single row." in Seen(drawn(Kind.BINARY)).text


def test_pictures_of_rows_lie_within_the_page_and_its_policy_lets_in_no_others(made: Made) -> None:
    found = made(Kind.MULTICLASS)
    apart = found.disagreement
    assert apart is not None and "img-src" not in page(found)
    pixels = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
    small = Thumbnail(2, 3, 3, base64.b64encode(pixels.tobytes()).decode())
    rows = tuple(replace(each, picture=small) for each in apart.rows)
    text = page(replace(found, disagreement=replace(apart, rows=rows)))
    assert "; img-src data:" in text
    sources = [a["src"] or "" for t, a in Seen(text).elements if t == "img"]
    assert len(sources) == 3
    image = Image.open(io.BytesIO(base64.b64decode(sources[0].removeprefix("data:image/png;base64,"))))
    assert (np.asarray(image) == pixels).all()


def test_a_sweep_is_a_figure_with_the_area_of_every_loss(made: Made) -> None:
    found = made(Kind.BINARY)
    levels = (0.0, 0.2, 0.4)
    scores = {
        row.candidate.label: np.array(
            [[0.9 - level * (1 + at) / 5 + split / 500 for split in range(20)] for level in levels]
        )
        for at, row in enumerate(found.rows)
    }  # fmt: skip
    sweep = robustness(
        "noise", levels, scores, metric="accuracy", reference=found.settings.reference,
        judged=dict.fromkeys(scores, True), n_test=113, n_rest=456, notes=("labels were flipped",),
    )  # fmt: skip
    text = page(replace(found, robustness=(sweep,)))
    section = re.search(r'<section id="robustness_noise">.*?</section>', text, re.S)
    assert section is not None and section.group().count("<svg") == len(found.rows)
    first = found.rows[0].candidate.label
    best = re.search(r"<tbody>\s*<tr>\s*<th[^>]*>(.*?)</th>(.*?)</tr>", section.group(), re.S)
    assert best is not None and best.group(1) == first
    assert re.findall(r">([\d.]+)</td>", best.group(2))[:4] == ["91.9", "87.9", "83.9", "87.9"]
    assert "labels were flipped" in section.group()
    assert "--noise 0,0.2,0.4" in text


def test_the_verdict_comes_first_and_an_anchor_that_wins_before_it(made: Made, undrawn: None) -> None:
    found = replace(made(Kind.BINARY), anchor_sentence="Boosting beats every network here.")
    text = Seen(page(found)).text
    places = [
        text.index(part) for part in (found.anchor_sentence, found.headline, "Recommended loss", "Results")
    ]
    assert places == sorted(places)


def test_losses_that_were_not_judged_stand_apart_with_the_reason(made: Made, drawn: Drawn) -> None:
    found = made(Kind.REGRESSION)
    assert [row.candidate.label for row in found.unjudged] == ["mae"]
    text = Seen(drawn(Kind.REGRESSION)).text
    assert "Losses that estimate something else" in text
    assert "estimates the median; not judged by RMSE" in text


def test_the_page_says_how_to_repeat_it(drawn: Drawn) -> None:
    text = Seen(drawn(Kind.BINARY)).text
    assert "lossary compare breast_cancer --target diagnosis --metric accuracy" in text
    assert "python train.py" in text


def test_the_same_comparison_gives_the_same_page_of_modest_size(made: Made, drawn: Drawn) -> None:
    found = made(Kind.MULTICLASS)
    first, second = drawn(Kind.MULTICLASS), page(Comparison.from_json(found.to_json()))
    assert first == second
    assert len(first.encode()) < 500_000


def test_the_report_is_written_beside_the_other_results(made: Made, undrawn: None, tmp_path: Path) -> None:
    path = write_report(made(Kind.MULTICLASS), tmp_path)
    assert path == tmp_path / "report.html"
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_loss_that_never_trained_is_a_row_with_its_reason(made: Made) -> None:
    found = made(Kind.BINARY)
    row, nan = found.judged[-1], math.nan
    score = replace(row.score, mean=nan, low=nan, high=nan)
    share = ((nan, nan), (nan, nan))
    lost = replace(
        row, score=score, validation=nan, others=(score,), usable=None, rates=(), curve=Curve((), (), ()),
        calibration=None, confusion=Confusion(found.task.levels, share),
    )  # fmt: skip
    finding = replace(
        found.verdicts.finding(row.candidate.label), score=None, contrast=None, verdict=Verdict.UNJUDGED,
        note="no score in 100 of 100 trainings",
    )  # fmt: skip
    findings = (*(f for f in found.verdicts.findings if f.name != finding.name), finding)
    rows = (*found.judged[:-1], lost)
    text = Seen(page(replace(found, rows=rows, verdicts=replace(found.verdicts, findings=findings)))).text
    assert f"{finding.name} was not judged: no score in 100 of 100 trainings." in text
    assert "nan" not in text.lower().split()


def test_one_loss_alone_is_reported_without_differences(compared: Compared) -> None:
    losses = [("cross_entropy", "identity", "probability", 0.0)]
    text = page(compared(read("iris"), Kind.MULTICLASS, losses))
    assert 'id="learning"' in text and 'id="differences"' not in text


@pytest.mark.parametrize("write", [write_report, write_script])
def test_a_write_that_fails_leaves_the_file_that_was_there(
    made: Made, undrawn: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[..., Path]
) -> None:
    path = write(made(Kind.MULTICLASS), tmp_path)
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="the disk is full"):
        write(made(Kind.MULTICLASS), tmp_path)
    assert path.read_bytes() == before
