"""Studies as pages: a file that opens anywhere, and a page in Markdown with pictures that stand alone."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from lossary.lab.studies.study import (
    Answer,
    Found,
    Grid,
    Line,
    Outcome,
    Picture,
    Result,
    Ruling,
    Study,
)  # fmt: skip
from lossary.report.studies.drawing import standalone
from lossary.report.studies.page import page
from lossary.report.studies.textbook import textbook, write_textbook

STUDY = Study(
    name="little",
    title="Is <two> more than one?",
    question="Is two more than one?",
    text="2 | 1.",
    statements=("two_is more than one", "so they say"),
    data="none",
    metric="counting",
    region="none",
    design="Count.",
    settings={"pieces": 4, "rates": (0.1, 1.0)},
    quick={"pieces": 2},
    seconds=1,
)


@pytest.fixture
def result() -> Result:
    lines = (
        Line("a", (0.1, 1.0, 10.0), (1.0, 4.0, 9.0), (0.5, 3.0, 8.0), (2.0, 5.0, 10.0)),
        Line("b", (0.1, 10.0), (2.0, float("nan"))),
    )
    found = Found(
        (
            Answer(STUDY.statements[0], "the sum is <3>", Outcome.HOLDS),
            Answer(STUDY.statements[1], "they do", Ruling.CONDITION),
        ),
        (
            Grid("Squares", ("number", "word"), ((1.0, "one"), (4.0, "two|three")), "A note."),
            Grid("Many", ("number",), tuple((float(at),) for at in range(20))),
        ),
        (Picture("little", "Squares by number", "Look.", "x", "y", lines, log_x=True, log_y=True),),
        ("A remark.",),
    )
    return Result(STUDY, False, STUDY.digest(), found, {"lossary": "0.1.0"})


def test_the_page_holds_everything_and_fetches_nothing(result: Result) -> None:
    text = page(result)
    assert "Is &lt;two&gt; more than one?" in text and "the sum is &lt;3&gt;" in text
    assert result.digest in text and "ordering holds" in text and "holds on a condition" in text
    assert text.count("<svg") == 2  # wide and narrow
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?!#)""", text)
    assert "default-src &#39;none&#39;" in text
    assert page(result) == text


def test_a_quick_run_says_so_on_its_page_and_in_the_textbook(result: Result) -> None:
    from dataclasses import replace

    quick = replace(result, quick=True)
    assert "not what is true" in page(quick) and "not what is true" in textbook([quick], {})
    assert "not what is true" not in page(result) and "not what is true" not in textbook([result], {})


def test_a_picture_stands_alone(result: Result) -> None:
    text = standalone(result.found.pictures[0])
    root = ElementTree.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg" and root.get("viewBox")
    assert "var(" not in text and "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert {"a", "b"} <= {each.text for each in root.iter() if each.text}


def test_the_textbook_has_a_chapter_a_study_and_its_pictures_beside_it(
    result: Result, tmp_path: Path
) -> None:
    path = write_textbook([result], {"images": "needs lossary[data]"}, tmp_path / "textbook.md")
    text = path.read_text(encoding="utf-8")
    assert "- **ordering holds**: two\\_is more than one. Measured: the sum is \\<3>." in text
    assert "two\\|three" in text and "- `images`: needs lossary[data]" in text
    assert f"- hash: `{result.digest}`" in text
    for linked in re.findall(r"!\[[^]]*\]\(([^)]+)\)", text):
        assert (tmp_path / linked).is_file()
    assert text.count("<details>") == text.count("</details>") == 2  # what was fixed, and the long table
    anchor = re.search(r"\(#([^)]+)\)", text)
    assert anchor is not None and anchor.group(1) == "is-two-more-than-one"
