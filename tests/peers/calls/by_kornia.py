"""The names that Kornia has for our losses; its robust losses have no scale."""

from __future__ import annotations

from .calling import Call, Late, Library, two

losses = Late("kornia.losses")


def _robust(name: str) -> Call:
    return lambda case: getattr(losses, name)(*two(case), reduction="none")


_K = "kornia.losses."

LIBRARY = Library(
    {
        **{
            f"{_K}{each}_loss": _robust(f"{each}_loss")
            for each in ("charbonnier", "cauchy", "geman_mcclure", "welsch")
        },
        f"{_K}TotalVariation": lambda case: losses.TotalVariation()(case.first[:, None]).squeeze(-1),
    },
    packages=("kornia",),
)
