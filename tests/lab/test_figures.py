"""Numbers as a person would write them."""

import pytest

from lossary.lab.figures import figures


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (22928.4, 4, "22,930"),
        (0.04455, 4, "0.04455"),
        (1.0, 4, "1"),
        (-312.66, 4, "-312.7"),
        (0.0, 2, "0"),
        (0.0381, 2, "0.038"),
        (float("inf"), 2, "inf"),
        (float("nan"), 2, "–"),
    ],
)
def test_a_number_has_its_figures_and_no_power_of_ten(value: float, digits: int, text: str) -> None:
    assert figures(value, digits) == text
