"""A package's submodules without the package's own import.

timm and segmentation-models-pytorch import torchvision when they are imported, and torchvision's wheels want a CUDA
build of torch. Their losses need neither.
"""

from __future__ import annotations

import importlib.util
import sys
import types


def alone(name: str) -> None:
    """Let `name.anything` be imported without running `name`'s own `__init__`."""
    if name in sys.modules:
        return
    spec = importlib.util.find_spec(name)
    assert spec is not None and spec.submodule_search_locations is not None
    module = types.ModuleType(name)
    module.__path__ = list(spec.submodule_search_locations)
    sys.modules[name] = module
