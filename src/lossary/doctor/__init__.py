"""The doctor: examine any loss, ours or yours, by the promises of the contract.

>>> import lossary, lossary.doctor as doctor
>>> doctor.examine(lossary.mse, ["values_are_exact"]).passed
True
"""

from .catalogue import PROMISES
from .examine import Examination, Finding, attempt, examine
from .promise import Broken, Promise

__all__ = ["PROMISES", "Broken", "Examination", "Finding", "Promise", "attempt", "examine"]
