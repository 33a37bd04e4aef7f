"""A price on a network's own numbers: a penalty of the catalogue over chosen weights or activations."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

from torch import Tensor, nn

from .errors import DtypeError, OptionError, ShapeError, sentence
from .kinds import Form
from .modules import LossModule, Single

#: Forms whose numbers belong together along the last axes, so that a kernel's axes are laid out in one row.
_ROWS = (Form.FEATURES, Form.CLOUD)


class _Seen(dict[str, Any]):
    """What layers put out in their last pass. A copy starts empty: it belongs to a network that has not run."""

    def __deepcopy__(self, memo: dict[int, Any]) -> _Seen:
        return _Seen()

    def __reduce__(self) -> tuple[Any, ...]:
        return _Seen, ()


class _Remember:
    """A forward hook that notes what its layer puts out; an object, so that the network still copies and pickles."""

    def __init__(self, name: str, seen: _Seen) -> None:
        self.name, self.seen = name, seen

    def __call__(self, _module: nn.Module, _inputs: Any, output: Any) -> None:
        self.seen[self.name] = output


class Penalty(LossModule):
    """A penalty over a network's weights, or over what some of its layers put out; add it to a loss with ``+``.

    ::

        loss = nn.CrossEntropy() + 1e-4 * nn.Penalty(nn.L2Penalty(), network, only="*.weight")
        loss(network(x), y).backward()

    The inputs of the call are not looked at. By default the penalty is the sum over all numbers touched, as weight
    decay is; ``reduction="mean"`` of the inner module makes it their mean. A weight of more than two axes counts as
    the table of its first axis for penalties on rows and tables.

    The network is referred to and not owned: it is not part of the penalty's ``state_dict`` or ``parameters()``.

    Attributes:
        touches: the names of the parameters, or layers, it prices.
    """

    loss: Single
    network: nn.Module
    touches: tuple[str, ...]
    _seen: _Seen

    def __init__(
        self,
        loss: Single,
        network: nn.Module,
        *,
        only: str | Sequence[str] = "*",
        skip: str | Sequence[str] = (),
        activations: bool = False,
    ) -> None:
        """Choose what is touched.

        Args:
            loss: a penalty: a module of ``lossary.nn`` with one input, such as ``nn.L1Penalty()``.
            network: whose weights or layers are meant.
            only: patterns of names to touch, as in file names: ``"*.weight"``, ``"encoder.*"``.
            skip: patterns of names to leave alone.
            activations: whether the names are those of layers, and what they put out in the last forward pass is
                touched, instead of parameters.

        Raises:
            OptionError: ``loss`` is no penalty, or no name matches.
        """
        super().__init__()
        given: object = loss
        if not isinstance(given, Single) or len(given.function.loss.inputs) != 1:
            raise OptionError(
                sentence(
                    "Penalty(loss)",
                    expected="a module of a loss with one input, such as lossary.nn.L2Penalty()",
                    got=repr(given) if isinstance(given, LossModule) else type(given).__name__,
                    remedy="`lossary list --task penalty` shows them all",
                )
            )
        owner: object = network
        if not isinstance(owner, nn.Module):
            raise OptionError(
                sentence(
                    "Penalty(network)",
                    expected="a torch.nn.Module",
                    got=type(owner).__name__,
                    remedy=f"call lossary.{loss.name} for a tensor",
                )
            )
        self.loss = loss
        self.activations = activations
        # Past nn.Module's own bookkeeping, which would make the network a part of the penalty.
        self.__dict__["network"] = network
        self.__dict__["_seen"] = _Seen()
        every = network.named_modules() if activations else network.named_parameters()
        names = [name for name, _ in every if name]
        self.touches = tuple(name for name in names if _matches(name, only) and not _matches(name, skip))
        if not self.touches:
            near = difflib.get_close_matches(str(only), names, n=1, cutoff=0.0)
            raise OptionError(
                sentence(
                    "Penalty(only=...)",
                    expected=f"a pattern that some {'layer' if activations else 'parameter'} has",
                    got=f"only={only!r}, skip={skip!r}",
                    remedy=f"there are {len(names)} names, such as {near[0]!r}" if near else "it has none",
                )
            )
        if activations:
            for name in self.touches:
                network.get_submodule(name).register_forward_hook(_Remember(name, self._seen))

    def forward(self, *inputs: Any, **options: Any) -> Tensor:
        """The penalty now. ``inputs`` and ``options`` are those of the losses beside it, and change nothing.

        Raises:
            OptionError: it is about activations, and the network has not run yet.
            ShapeError: a tensor has too few axes for the penalty.
        """
        values, counts = [], []
        mean = self.loss.settings.get("reduction") == "mean"
        for name, tensor in self._tensors():
            rows = self._laid_out(name, tensor)
            values.append(self.loss(rows, reduction="sum"))
            counts.append(self.loss.function.count(rows))
        total = sum(values[1:], values[0])
        found: Tensor = total / sum(counts[1:], counts[0]) if mean else total
        return found

    def terms(self, *inputs: Any, **options: Any) -> dict[str, Tensor]:
        return {self.name: self(*inputs, **options)}

    def parts(self) -> Iterator[tuple[str, float, LossModule]]:
        yield self.name, 1.0, self

    @property
    def name(self) -> str:
        return self.loss.name

    def __repr__(self) -> str:
        shown = ", ".join(self.touches[:4]) + (", ..." if len(self.touches) > 4 else "")
        what = "layers" if self.activations else "parameters"
        return f"Penalty({self.loss!r} on {len(self.touches)} {what}: {shown})"

    def _tensors(self) -> Iterator[tuple[str, Tensor]]:
        if not self.activations:
            for name in self.touches:
                yield name, self.network.get_parameter(name)
            return
        if len(self._seen) < len(self.touches):
            missing = next(name for name in self.touches if name not in self._seen)
            raise OptionError(
                sentence(
                    "Penalty(activations=True)",
                    expected="a forward pass of the network before the loss",
                    got=f"nothing from {missing!r}",
                    remedy="call the network first, then the loss",
                )
            )
        # Taken once: the next pass brings its own, and this one's memory can go.
        yield from self._seen.items()
        self._seen.clear()

    def _laid_out(self, name: str, tensor: object) -> Tensor:
        if not isinstance(tensor, Tensor):
            raise DtypeError(
                sentence(
                    f"Penalty({self.name})",
                    expected="layers that put out one tensor",
                    got=f"{type(tensor).__name__} from {name!r}",
                    remedy="choose others with only= or leave it out with skip=",
                )
            )
        kind = self.loss.function.loss.inputs[0].kind
        least = 2 if kind.form is Form.CLOUD else 1
        if tensor.ndim < least and kind.form in _ROWS:
            raise ShapeError(
                sentence(
                    f"Penalty({self.name})",
                    expected=f"tensors with at least {least} axes",
                    got=f"{name} of shape {tuple(tensor.shape)}",
                    remedy='choose with only="*.weight" or leave it out with skip=',
                )
            )
        return (
            tensor.flatten(1) if kind.form in _ROWS and not self.activations and tensor.ndim > 2 else tensor
        )


def _matches(name: str, patterns: str | Sequence[str]) -> bool:
    return any(fnmatchcase(name, each) for each in ([patterns] if isinstance(patterns, str) else patterns))
