"""A kernel keeps every promise that its loss keeps, but for what it is excused from, with the reason."""

from __future__ import annotations

import pytest

import lossary
from lossary import doctor
from lossary.core.backends import attached
from lossary.kernels import ATTACHED

#: Kernels that run on a CPU without a compiler: each of their calls is cheap enough for every promise.
CHUNKED = [
    name for name in ATTACHED if any(each.backend == "chunked" for each in attached(lossary.get(name).loss))
]


@pytest.mark.parametrize("name", CHUNKED)
def test_a_kernel_keeps_the_promises_of_its_loss(name: str) -> None:
    found = doctor.examine(lossary.get(name), slow=False, backend="chunked")
    assert not found.findings, "\n".join(
        f"{each.promise}: {each.found}\n    {each.reproducer}" for each in found.findings
    )
