"""From the columns of a table to the inputs of a network, by standard parts of scikit-learn.

Numbers: the median for missing cells, then centred and scaled by mean and standard deviation, and beside
them an indicator for every column that misses cells anywhere in the table. Categories: one column a level,
levels under 1 % of the training rows or unseen as "other", missing cells as a level of their own. Dates:
year, month, weekday and days since 1970, then as numbers. Everything is fitted on the training rows of a
split.

The columns and their order depend on the table alone, so that all its splits feed one network. A level that
a split's training rows lack, and any input that never varies among them, is 0 there: a weight that training
never moved must not speak on test rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from lossary.lab.asking.profile import LISTED_SHARE, RARE, Column, Profile, Role

DATE_PARTS = ("year", "month", "weekday", "days")
MISSING = "(missing)"
OTHER = "other"
TRAIN_SHARE = 0.6  # of a split's rows, by `splits`
ROUNDING = 4  # rows that rounding may take from it


def date_parts(frame: pd.DataFrame) -> pd.DataFrame:
    """Year, month, weekday (Monday is 0) and days since 1970-01-01 of every column of dates."""
    parts = {}
    for name in frame.columns:
        moments = frame[name].dt
        parts[f"{name}: year"] = moments.year
        parts[f"{name}: month"] = moments.month
        parts[f"{name}: weekday"] = moments.day_of_week
        # In numpy: pandas would count in nanoseconds, which end in the year 2262.
        days = frame[name].to_numpy().astype("datetime64[us]") - np.datetime64("1970-01-01", "us")
        parts[f"{name}: days"] = pd.Series(days / np.timedelta64(1, "D"), index=frame.index)
    return pd.DataFrame(parts, index=frame.index, dtype=float)


def is_missing(frame: pd.DataFrame) -> pd.DataFrame:
    """1 where a cell is missing, else 0."""
    return frame.isna().astype(float)


@dataclass(frozen=True)
class Roles:
    """Which columns go through which part, in the order of the table."""

    numeric: tuple[str, ...]
    gappy: tuple[str, ...]  # numbers and dates with missing cells
    categorical: tuple[str, ...]
    dates: tuple[str, ...]


def roles(profile: Profile) -> Roles:
    """The columns in use, by part."""
    used = profile.used

    def of(role: Role) -> tuple[str, ...]:
        return tuple(column.name for column in used if column.role is role)

    gappy = tuple(c.name for c in used if c.role is not Role.CATEGORICAL and c.missing > 0)
    return Roles(of(Role.NUMERIC), gappy, of(Role.CATEGORICAL), of(Role.DATE))


def pipeline(profile: Profile) -> ColumnTransformer:
    """The preparation as scikit-learn writes it, not yet fitted: what a training script carries."""
    part = roles(profile)
    numbers = [
        ("median", SimpleImputer(strategy="median", keep_empty_features=True)),
        ("scale", StandardScaler()),
    ]
    categories = [
        ("missing", SimpleImputer(strategy="constant", fill_value=MISSING)),
        (
            "levels",
            OneHotEncoder(min_frequency=RARE, handle_unknown="infrequent_if_exist", sparse_output=False),
        ),
    ]
    parts: list[tuple[str, Any, list[str]]] = []
    if part.numeric:
        parts.append(("numbers", Pipeline(numbers), list(part.numeric)))
    if part.gappy:
        parts.append(("missing", FunctionTransformer(is_missing), list(part.gappy)))
    if part.categorical:
        parts.append(("categories", Pipeline(categories), list(part.categorical)))
    if part.dates:
        dates = [("parts", FunctionTransformer(date_parts)), *numbers]
        parts.append(("dates", Pipeline(dates), list(part.dates)))
    return ColumnTransformer(parts)


@dataclass(frozen=True, eq=False)
class Preparation:
    """A fitted preparation. `names` are the inputs of the network in their order."""

    names: tuple[str, ...]
    parts: ColumnTransformer
    places: NDArray[np.int64]  # where each column of `parts` stands among the inputs
    varies: NDArray[np.bool_]  # per input: whether it varied among the rows it was fitted on

    def transform(self, frame: pd.DataFrame) -> NDArray[np.float32]:
        """Rows as inputs, shape (rows, inputs), float32."""
        dense = np.asarray(self.parts.transform(frame), dtype=np.float32)
        inputs = np.zeros((len(frame), len(self.names)), dtype=np.float32)
        inputs[:, self.places] = dense
        inputs[:, ~self.varies] = 0.0
        return inputs


def fit(profile: Profile, frame: pd.DataFrame) -> Preparation:
    """The preparation fitted on training rows, at least half of the table that `profile` describes."""
    parts = pipeline(profile)
    dense = np.asarray(parts.fit_transform(frame), dtype=np.float32)
    own = _names(profile, {name: _levels(parts, at) for at, name in enumerate(roles(profile).categorical)})
    categorical = [column for column in profile.used if column.role is Role.CATEGORICAL]
    names = _names(profile, {column.name: _possible(column, profile.rows) for column in categorical})
    at = {name: place for place, name in enumerate(names)}
    places = np.array([at[name] for name in own], dtype=np.int64)
    varies = np.zeros(len(names), dtype=np.bool_)
    varies[places] = dense.max(axis=0) > dense.min(axis=0)
    return Preparation(tuple(_shown(*name) for name in names), parts, places, varies)


def facts(profile: Profile, fitted: Preparation) -> list[dict[str, str | float]]:
    """How every input is made, in their order, for whoever has the weights of a network and nothing else.

    `part` is "number" or "date" (of a missing cell the median; then mean and scale), "missing" (1 where the cell is),
    "level" (1 where the cell has it), "other" (1 where it has none that another input stands for) or "zero".
    """
    levels = {name: _levels(fitted.parts, at) for at, name in enumerate(roles(profile).categorical)}
    scales = {name: _scales(fitted.parts, name) for name in ("numbers", "dates")}
    found: list[dict[str, str | float]] = [{"part": "zero"} for _ in fitted.names]
    for place, (column, part, level) in zip(fitted.places, _names(profile, levels), strict=True):
        scaled = next(scales[f"{part}s"]) if part in ("number", "date") else {}
        said = {"level": level} if part == "level" else {"which": level} if part == "date" else {}
        if fitted.varies[place]:
            found[place] = {"column": column, "part": part, **said, **scaled}
    return found


def _scales(parts: ColumnTransformer, name: str) -> Iterator[dict[str, float]]:
    """Median, mean and scale of each column of numbers that a part makes, in their order."""
    if name in parts.named_transformers_:
        steps = parts.named_transformers_[name].named_steps
        numbers = (steps["median"].statistics_, steps["scale"].mean_, steps["scale"].scale_)
        for median, mean, scale in zip(*(each.tolist() for each in numbers), strict=True):
            yield {"median": median, "mean": mean, "scale": scale}


Name = tuple[str, str, str]  # column, part, level


def _names(profile: Profile, levels: dict[str, list[tuple[str, str]]]) -> list[Name]:
    part = roles(profile)
    return [
        *((name, "number", "") for name in part.numeric),
        *((name, "missing", "") for name in part.gappy),
        *((name, kind, level) for name in part.categorical for kind, level in levels[name]),
        *((name, "date", which) for name in part.dates for which in DATE_PARTS),
    ]


def _shown(column: str, part: str, level: str) -> str:
    written = {"number": "", "missing": " is missing", "other": f" = {OTHER}", "date": f": {level}"}
    return column + written.get(part, f" = {level}")


def _levels(parts: ColumnTransformer, at: int) -> list[tuple[str, str]]:
    """The columns that the fitted encoder makes of one categorical column: frequent levels, then "other"."""
    encoder: OneHotEncoder = parts.named_transformers_["categories"].named_steps["levels"]
    rare = encoder.infrequent_categories_[at]
    unlisted = set() if rare is None else set(rare.tolist())
    kept = [("level", str(level)) for level in encoder.categories_[at].tolist() if level not in unlisted]
    return kept if rare is None else [*kept, ("other", "")]


def _possible(column: Column, rows: int) -> list[tuple[str, str]]:
    """What the training rows of any split can make of it: no level is on more rows there than in the table."""
    counts = dict(column.counts)
    unlisted = column.distinct > len(counts)
    if column.missing > 0:
        counts[MISSING] = counts.get(MISSING, 0) + round(column.missing * rows)
    levels = sorted(level for level, count in counts.items() if count >= LISTED_SHARE * rows)
    # A level that stays frequent even when it is on every row not trained on is never "other".
    trained = TRAIN_SHARE * rows - ROUNDING
    safe = all(count - (rows - trained) >= RARE * trained for count in counts.values())
    named = [("level", level) for level in levels]
    return named if safe and not unlisted else [*named, ("other", "")]


@dataclass(frozen=True)
class TargetScale:
    """A target centred and scaled by training rows: `scaled = (target - centre) / scale`."""

    centre: float
    scale: float
    by: Literal["iqr", "std", "none"]

    def standardise(self, target: NDArray[np.float64]) -> NDArray[np.float64]:
        """From the user's units to those of the network."""
        return (target - self.centre) / self.scale

    def restore(self, scaled: NDArray[np.float64]) -> NDArray[np.float64]:
        """From the units of the network to the user's."""
        return scaled * self.scale + self.centre


def target_scale(target: NDArray[np.float64]) -> TargetScale:
    """Median and interquartile range of training targets, shape (rows,).

    Where the IQR is 0 (half of the values are equal) the standard deviation stands in, and where that is 0
    as well nothing is scaled.
    """
    first, median, third = (float(q) for q in np.quantile(target, [0.25, 0.5, 0.75]))
    if third > first:
        return TargetScale(median, third - first, "iqr")
    deviation = float(np.std(target))
    return TargetScale(median, deviation, "std") if deviation > 0 else TargetScale(median, 1.0, "none")
