"""What the rows of a comparison are, in words: columns, pictures or texts, how they are prepared and parted."""

from __future__ import annotations

from lossary.lab.asking.profile import Profile, Role
from lossary.lab.planning.plan import Settings
from lossary.report.numbers import count, listed
from lossary.report.visible import visible

_ROLES = (
    (Role.NUMERIC, "numeric", "numeric"),
    (Role.CATEGORICAL, "categorical", "categorical"),
    (Role.DATE, "date", "dates"),
)
_COLUMNS = (
    "Preparation is fitted on the training rows of each split: medians for missing numbers and an indicator that they "
    "were missing, one input a level for categories with rare ones together, dates as year, month, weekday and days, "
    "everything standardised."
)
_PICTURES = "Every channel of the pictures is centred and scaled by the training rows of each split."
_COUNTED = (
    "Words are those of the training rows of each split, the most frequent of them; others are left out."
)
_HASHED = "Words get their numbers by hashing, without a vocabulary: two may share one."


def rows_words(profile: Profile, settings: Settings | None) -> str:
    """`569 rows, 30 features (30 numeric)`, or that each row is a text or a picture."""
    rows = count(profile.rows, "row")
    if settings is not None and settings.text is not None:
        return f"{rows}, each a text ({visible(settings.text, 60)})"
    if not profile.used:
        return f"{rows}, each a picture"
    found = [(sum(column.role is role for column in profile.used), one, many) for role, one, many in _ROLES]
    parts = [f"{number} {one if number == 1 else many}" for number, one, many in found if number]
    return f"{rows}, {count(len(profile.used), 'feature')} ({listed(parts)})"


def preparation(profile: Profile, settings: Settings) -> str:
    """How the rows became the inputs of the network."""
    if settings.text is not None:
        return _HASHED if settings.words == "hashed" else _COUNTED
    return _COLUMNS if profile.used else _PICTURES


def parting(settings: Settings) -> str:
    """What the splits respect; empty where rows are drawn one by one."""
    kept = (
        [f"rows of one {visible(settings.group, 60)} stay together in every split"] if settings.group else []
    )
    if settings.time:
        kept.append(f"the rows tested come after all others in {visible(settings.time, 60)}")
    sentence = " and ".join(kept)
    return sentence[:1].upper() + sentence[1:] + "." if sentence else ""
