"""The same answers in less time and memory. A kernel attaches to losses by name; the eager math stays its oracle.

``ATTACHED`` is the whole table for kernels of single losses; their modules are imported on the first call that could
use them. ``GENERIC`` serves every loss of some units, a user's own too.
"""

from __future__ import annotations

import importlib

from lossary.core.backends import Kernel
from lossary.core.declaration import Loss
from lossary.core.unit import Unit

#: Loss -> its kernels as "module:name", in the order in which ``auto`` considers them.
ATTACHED: dict[str, tuple[str, ...]] = {
    "cross_entropy": ("gpu.cross_entropy:KERNEL",),
    "info_nce": ("gpu.contrastive:info_nce", "contrastive.attach:info_nce"),
    "clip": ("gpu.contrastive:clip", "contrastive.attach:clip"),
    "siglip": ("gpu.contrastive:siglip", "contrastive.attach:siglip"),
    "nt_xent": ("gpu.contrastive:nt_xent", "contrastive.attach:nt_xent"),
    "decoupled": ("gpu.contrastive:decoupled", "contrastive.attach:decoupled"),
    "supcon": ("gpu.contrastive:supcon", "contrastive.attach:supcon"),
    "triplet_batch_hard": ("mining.hard:HARD",),
    "triplet_all": ("mining.triplets:ALL",),
    "triplet_semi_hard": ("mining.triplets:SEMI_HARD",),
    "contrastive_batch": ("pairs.contrastive:KERNEL",),
    "multi_similarity": ("pairs.multi_similarity:KERNEL",),
    "fastap": ("pairs.rows:FASTAP",),
    "histogram": ("pairs.rows:HISTOGRAM",),
    "lifted": ("pairs.rows:LIFTED",),
    "generalized_lifted": ("pairs.rows:GENERALIZED_LIFTED",),
}

#: Kernels of every loss of a unit, behind those of the single loss.
GENERIC: dict[Unit, tuple[str, ...]] = {
    Unit.ELEMENT: ("compiled:KERNEL",),
    Unit.ROW: ("compiled:KERNEL",),
    Unit.REGION: ("compiled:KERNEL",),
}

_found: dict[str, tuple[Kernel, ...]] = {}


def attached(loss: Loss) -> tuple[Kernel, ...]:
    """The kernels of a loss, in the order in which ``auto`` considers them."""
    if loss.name not in _found:
        places = (*ATTACHED.get(loss.name, ()), *GENERIC.get(loss.unit, ()))
        _found[loss.name] = tuple(_load(place) for place in places)
    return _found[loss.name]


def _load(place: str) -> Kernel:
    module, name = place.split(":")
    found: Kernel = getattr(importlib.import_module(f"lossary.kernels.{module}"), name)
    return found
