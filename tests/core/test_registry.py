"""Finding a loss by any of its names."""

import pytest

import lossary
from lossary.core.errors import DeclarationError, UnknownLossError
from lossary.declare import Claims, Elicits, Example, Link, PerElement, Prediction, RealTarget, Task, loss


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("mse", "mse"),
        ("MSELoss", "mse"),
        ("mse_loss", "mse"),
        ("MeanSquaredError", "mse"),
        ("categorical_crossentropy", "cross_entropy"),
        ("CrossEntropyLoss", "cross_entropy"),
        ("BCEWithLogitsLoss", "binary_cross_entropy"),
        ("KLDivLoss", "kl"),
        ("HuberLoss", "huber"),
        ("L1Loss", "mae"),
        ("pinball", "quantile"),
        ("TripletMarginLoss", "triplet"),
        ("log-cosh", "log_cosh"),
    ],
)
def test_a_loss_is_found_by_the_names_of_other_worlds(name: str, canonical: str) -> None:
    assert lossary.get(name) is getattr(lossary, canonical)


def test_a_near_miss_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(UnknownLossError) as caught:
        lossary.get("focl")
    assert str(caught.value) == "No loss is called 'focl'. Did you mean 'focal'?"


def test_nonsense_is_answered_with_where_to_look() -> None:
    with pytest.raises(UnknownLossError) as caught:
        lossary.get("xyzzy")
    assert str(caught.value) == "No loss is called 'xyzzy'. lossary.names() lists them all."


def test_a_name_of_the_catalogue_cannot_be_taken() -> None:
    def mse(prediction: Prediction, target: RealTarget) -> PerElement:
        """Not the mse you know."""
        return prediction - target

    facts = loss(
        title="t",
        task=Task.REGRESSION,
        link=Link.IDENTITY,
        elicits=Elicits.MEAN,
        constant="",
        claims=Claims(),
        example=Example((0.0, 0.0), 0.0, ""),
        use_when="",
        avoid_when="",
    )
    with pytest.raises(DeclarationError, match="expected a name that is free, got 'mse'"):
        facts(mse)


def test_every_alias_belongs_to_one_loss() -> None:
    owners: dict[str, str] = {}
    for name in lossary.names():
        for alias in lossary.get(name).card.aliases:
            assert owners.setdefault(alias, name) == name
            assert alias not in lossary.names()
            assert lossary.get(alias) is lossary.get(name)
