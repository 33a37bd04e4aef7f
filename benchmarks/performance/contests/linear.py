"""Losses behind a linear head: without the logits, beside the head and the loss apart."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import LinearCrossEntropyOptions
from torch.nn import functional as F

import lossary

from ..contest import Claim, Contest, Inputs, Side, cleared

OURS, EXTRAS, EAGER, TORCH, FLOOR = (
    "lossary", "lossary, all options", "head, then F.cross_entropy", "torch, chunked", "three products",
)  # fmt: skip

#: Losses other than cross-entropy.
OTHERS = ("categorical_focal", "categorical_poly1", "generalized_cross_entropy")


def contests(size: str) -> list[Contest]:
    """Sizes of a small language model; the small ones are a sixty-fourth of its work."""
    sizes = {"whole": (2048, 512, 32768), "small": (512, 128, 8192), "tiny": (8, 5, 17)}
    rows, features, classes = sizes[size]
    few = rows // 4
    sides: dict[str, Side] = {
        FLOOR: _products,
        EAGER: _eager,
        TORCH: _torch(None),
        OURS: _ours,
        EXTRAS: _extras,
    }
    made = [
        Contest(
            f"linear cross-entropy, float32, N={rows} D={features} V={classes}",
            partial(_inputs, rows, features, classes),
            sides,
            ()
            if size != "whole"
            else (
                Claim("time", EXTRAS, FLOOR, 1.10),
                Claim("memory", EXTRAS, EAGER, 0.30),
                Claim("memory", EXTRAS, TORCH, 0.75),
            ),
            rounds=31 if size == "whole" else 7,
        ),
        Contest(
            f"linear cross-entropy, float32, N={few} D={features} V={classes}",
            partial(_inputs, few, features, classes),
            sides,
            () if size != "whole" else (Claim("time", OURS, EAGER, 1.0),),
        ),
        Contest(
            f"linear cross-entropy, bfloat16, N={rows} D={features} V={classes}",
            partial(_inputs, rows, features, classes, torch.bfloat16),
            {EAGER: _eager, f"{TORCH}, 256 rows": _torch(256), OURS: _ours},
            () if size != "whole" else (Claim("time", OURS, f"{TORCH}, 256 rows", 0.5),),
        ),
        *(_any(name, rows, features, classes, size) for name in OTHERS),
    ]
    made.append(_twice(*{"whole": (1024, 256, 16384), "small": (256, 64, 2048), "tiny": (8, 5, 17)}[size]))
    rows, classes = {"whole": (8192, 131072), "small": (1024, 32768), "tiny": (9, 19)}[size]
    made.append(
        Contest(
            f"linear cross-entropy, float32, N={rows} D={features} V={classes}",
            partial(_inputs, rows, features, classes),
            {OURS: _ours},
            () if size != "whole" else (Claim("memory", OURS, None, 2000.0),),
            timed=(),
        )
    )
    return made


def _twice(rows: int, features: int, classes: int) -> Contest:
    """A gradient of the gradient, as penalties on it need: torch's chunked path has none."""
    return Contest(
        f"linear cross-entropy, Hessian-vector, float32, N={rows} D={features} V={classes}",
        partial(_inputs, rows, features, classes),
        {EAGER: partial(_bent, _value_eager), OURS: partial(_bent, _value)},
    )


def _any(name: str, rows: int, features: int, classes: int, size: str) -> Contest:
    """Another loss behind the same head. All go through one loop, so one of them is timed."""
    apart = "head, then lossary"
    return Contest(
        f"{name}, float32, N={rows} D={features} V={classes}",
        partial(_inputs, rows, features, classes),
        {apart: partial(_eager_of, name), OURS: partial(_ours_of, name)},
        () if size != "whole" else (Claim("memory", OURS, apart, 0.30),),
        timed=None if name == OTHERS[0] else (),
    )


def _inputs(rows: int, features: int, classes: int, dtype: torch.dtype = torch.float32) -> Inputs:
    hidden = torch.randn(rows, features).to(dtype).requires_grad_()
    weight = (torch.randn(classes, features) / features**0.5).to(dtype).requires_grad_()
    target = torch.randint(classes, (rows,))
    floor = {"products": (torch.randn(8, features), torch.randn(8, features))}
    return {
        "hidden": hidden,
        "weight": weight,
        "target": target,
        "class_weight": torch.rand(classes) + 0.5,
        **floor,
    }


def _products(given: Inputs) -> None:
    """The logits, and the two products that bring their gradient back: what no head can do without."""
    hidden, weight = given["hidden"].detach(), given["weight"].detach()
    if "logits" not in given:
        # The floor pays for no memory: its results are written where they were.
        given["logits"] = torch.empty(len(hidden), len(weight))
        given["to"] = torch.empty_like(hidden), torch.empty_like(weight)
    logits, (by_hidden, by_weight) = given["logits"], given["to"]
    torch.mm(hidden, weight.T, out=logits)
    torch.mm(logits, weight, out=by_hidden)
    torch.mm(logits.T, hidden, out=by_weight)


def _value_eager(given: Inputs) -> Tensor:
    logits = given["hidden"] @ given["weight"].T
    return F.cross_entropy(logits.float(), given["target"])


def _value(given: Inputs) -> Tensor:
    value: Tensor = lossary.linear_cross_entropy(given["hidden"], given["weight"], given["target"])
    return value


def _eager(given: Inputs) -> None:
    cleared(given["hidden"], given["weight"])
    _value_eager(given).backward()


def _bent(value: Callable[[Inputs], Tensor], given: Inputs) -> None:
    """The derivative of half the gradient's square: the Hessian times the gradient."""
    leaves = given["hidden"], given["weight"]
    cleared(*leaves)
    first = torch.autograd.grad(value(given), leaves, create_graph=True)
    torch.autograd.backward(first, [each.detach() for each in first], inputs=list(leaves))


def _eager_of(name: str, given: Inputs) -> None:
    cleared(given["hidden"], given["weight"])
    lossary.get(name)(given["hidden"] @ given["weight"].T, given["target"]).backward()


def _torch(rows: int | None) -> Callable[[Inputs], None]:
    options = (
        LinearCrossEntropyOptions() if rows is None else LinearCrossEntropyOptions(batch_chunk_size=rows)
    )

    def run(given: Inputs) -> None:
        cleared(given["hidden"], given["weight"])
        F.linear_cross_entropy(given["hidden"], given["weight"], given["target"], options=options).backward()

    return run


def _ours(given: Inputs) -> None:
    cleared(given["hidden"], given["weight"])
    _value(given).backward()


def _extras(given: Inputs) -> None:
    cleared(given["hidden"], given["weight"])
    lossary.linear_cross_entropy(
        given["hidden"],
        given["weight"],
        given["target"],
        class_weight=given["class_weight"],
        label_smoothing=0.1,
        z_loss=1e-4,
    ).backward()


def _ours_of(name: str, given: Inputs) -> None:
    cleared(given["hidden"], given["weight"])
    lossary.linear(name, given["hidden"], given["weight"], given["target"]).backward()
