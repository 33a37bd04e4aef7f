"""The studies by name, in the order of the texts."""

from __future__ import annotations

from importlib import import_module

from lossary.core.errors import DataError, sentence
from lossary.lab.data.nearest import suggestion
from lossary.lab.studies.conduct import Recipe
from lossary.lab.studies.study import Study

NAMES = (
    "binary",
    "learning-rate",
    "images",
    "text",
    "regularization",
    "custom",
    "convergence",
    "anomaly",
    "derivatives",
    "mismatch",
    "cost",
    "scale",
    "language",
    "darts",
    "claims",
)


def study(name: str) -> tuple[Study, Recipe]:
    """The record and the recipe of this name. Raises DataError, with the nearest name, for another one."""
    if name not in NAMES:
        remedy = suggestion(name, (*NAMES, "all"), "study")
        raise DataError(
            sentence("study", expected="a study by its name, or all", got=repr(name), remedy=remedy)
            + " `lossary study` lists them."
        )
    recipe = import_module(f"lossary.lab.studies.recipes.{name.replace('-', '_')}")
    return recipe.STUDY, recipe.recipe
