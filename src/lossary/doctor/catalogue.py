"""All promises, in the order of the contract. A file in ``promises/`` needs no entry anywhere."""

from __future__ import annotations

import importlib
import pkgutil

from . import promises
from .promise import PROMISES as _FOUND
from .promise import Promise

for _file in pkgutil.iter_modules(promises.__path__):
    importlib.import_module(f"{promises.__name__}.{_file.name}")

PROMISES: dict[str, Promise] = dict(sorted(_FOUND.items(), key=lambda each: (each[1].chapter, each[0])))
