"""Every error Lossary raises, and the one sentence it is written in.

LossaryError
├── UnknownLossError (LookupError)      a name that no loss has
├── ExpressionError (ValueError)        an expression such as "0.5*dice + focal" that cannot be read
├── DeclarationError (TypeError)        a loss declared in a way that cannot work
├── CallError                           a call that breaks the contract
│   ├── ShapeError (ValueError)         shapes that do not belong together
│   ├── DtypeError (TypeError)          a tensor of the wrong dtype, or on another device
│   ├── DomainError (ValueError)        a value outside its domain
│   └── OptionError (ValueError)        options that contradict each other
├── BackendError (RuntimeError)         a forced backend that cannot run
├── MissingExtraError (ImportError)     an optional package is not installed
└── DataError (ValueError)              data that cannot be compared on
"""

from __future__ import annotations


class LossaryError(Exception):
    """Base of every error that Lossary raises on purpose."""


class UnknownLossError(LossaryError, LookupError):
    """No loss has this name; the message suggests the nearest one."""


class ExpressionError(LossaryError, ValueError):
    """An expression of losses that cannot be read."""


class DeclarationError(LossaryError, TypeError):
    """A loss is declared in a way that cannot work."""


class CallError(LossaryError):
    """A call that breaks the contract."""


class ShapeError(CallError, ValueError):
    """Shapes that do not belong together."""


class DtypeError(CallError, TypeError):
    """A tensor of the wrong dtype, or on the wrong device."""


class DomainError(CallError, ValueError):
    """A value outside its domain."""


class OptionError(CallError, ValueError):
    """Options that contradict each other."""


class BackendError(LossaryError, RuntimeError):
    """A forced backend that cannot run."""


class MissingExtraError(LossaryError, ImportError):
    """An optional package is not installed; the message holds the exact install line."""


class DataError(LossaryError, ValueError):
    """Data that cannot be compared on: one sentence, exit code 2 on the command line."""


def sentence(subject: str, *, expected: str, got: str, remedy: str) -> str:
    """The one form of an error: who, what was expected, what came, and what to do."""
    return f"{subject}: expected {expected}, got {got}; {remedy}."
