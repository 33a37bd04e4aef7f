"""The user's own network: a class in a Python file, made and checked before the first training."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path

import torch
from torch import nn
from torch.nn.parameter import UninitializedParameter

from lossary.core.errors import DataError, sentence
from lossary.lab.training.networks.chance import OWN, generator, size
from lossary.lab.training.networks.checked import counted
from lossary.lab.training.networks.dropout import Dropout


@dataclass(frozen=True)
class Own:
    """The class `name` in the file `path`, for rows of `shape`; `digest` is the sha256 of the file.

    It is called with `outputs` by that name where it has such an argument, and before it with the number of features
    (of channels, for pictures) where its first is `inputs` or has no default; as `Net(inputs, outputs)` where it
    takes two arguments or more of other names; and as `Net()` otherwise.
    """

    path: str
    name: str
    digest: str
    shape: tuple[int, ...]
    outputs: int
    floating: bool = True  # whether rows are numbers; token ids otherwise

    @cached_property
    def size(self) -> int:
        """How many numbers are learned."""
        return size(self.module(0, 0))

    def describe(self) -> str:
        """Its name and size in words."""
        outputs = counted(self.outputs, "output")
        return f"{self.name} of {Path(self.path).name}, {self.size:,} learned numbers, {outputs}"

    def with_outputs(self, outputs: int) -> Own:
        """The same with another number of outputs. Raises DataError where the class does not give them."""
        network = replace(self, outputs=outputs)
        _tried(network)
        return network

    def module(self, split: int, seed: int, dtype: torch.dtype = torch.float32) -> nn.Module:
        """The module as its own constructor starts it, with torch's generator seeded by (split, seed).

        Its `nn.Dropout` layers are replaced by those that drop the same units in both engines.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(generator(split, seed, OWN).initial_seed())
            made = _made(self)
        return _shared_dropout(made).to(dtype)

    @property
    def arguments(self) -> tuple[tuple[int, ...], dict[str, int]]:
        """What its class is called with, by place and by name. Raises DataError where the file is not as it was."""
        kind = _class(self.path, self.name, self.digest)
        inputs = self.shape[0] if self.shape else 1
        parameters = [
            each
            for each in inspect.signature(kind).parameters.values()
            if each.kind in (each.POSITIONAL_OR_KEYWORD, each.POSITIONAL_ONLY, each.KEYWORD_ONLY)
        ]
        if any(each.name == "outputs" for each in parameters):
            first = parameters[0]
            asks = first.name == "inputs" or (first.name != "outputs" and first.default is first.empty)
            return (inputs,) if asks else (), {"outputs": self.outputs}
        if sum(each.kind is not each.KEYWORD_ONLY for each in parameters) >= 2:
            return (inputs, self.outputs), {}
        return (), {}


def own(reference: str, shape: tuple[int, ...], outputs: int, *, floating: bool = True) -> Own:
    """The network that "file.py:Name" names, tried on two rows. Raises DataError where it cannot be used."""
    path, _, name = reference.rpartition(":")
    file = Path(path)
    if not (path and name.isidentifier() and file.is_file()):
        raise DataError(
            sentence(
                "model",
                expected="a Python file and a class in it, as in net.py:Net",
                got=repr(reference),
                remedy="name a file that exists, a colon, and the class",
            )
        )
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    network = Own(str(file.resolve()), name, digest, shape, outputs, floating)
    _tried(network)
    return network


@cache
def _tried(network: Own) -> None:
    """Raise DataError where two rows do not become (2, outputs)."""
    made = network.module(0, 0).eval()
    x = torch.zeros(2, *network.shape, dtype=torch.float32 if network.floating else torch.int64)
    try:
        with torch.no_grad():
            found = made(x)
    except (Exception, SystemExit) as error:
        raise DataError(
            sentence(
                f"model {network.name}",
                expected=f"to take rows of shape {network.shape}",
                got=said(error),
                remedy="change its first layer",
            )
        ) from error
    if not isinstance(found, torch.Tensor) or tuple(found.shape) != (2, network.outputs):
        got = tuple(found.shape) if isinstance(found, torch.Tensor) else type(found).__name__
        raise DataError(
            sentence(
                f"model {network.name}",
                expected=f"outputs of shape {(2, network.outputs)} for two rows",
                got=str(got),
                remedy="let it take the number of outputs as its second argument, or by the name of outputs",
            )
        )
    _learns(made.train(), x, network.name)


def _learns(made: nn.Module, x: torch.Tensor, name: str) -> None:
    """Raises DataError where a step on two rows cannot be taken: in training a network may do what it else does not."""
    try:
        with torch.random.fork_rng(devices=[]):
            torch.autograd.backward(made(x).sum())
    except (Exception, SystemExit) as error:
        raise DataError(
            sentence(
                f"model {name}",
                expected="to be trained as it is tested, a batch of rows at a time",
                got=said(error),
                remedy="correct what it does in training",
            )
        ) from error


def _made(network: Own) -> nn.Module:
    kind = _class(network.path, network.name, network.digest)
    try:
        places, names = network.arguments
        made = kind(*places, **names)
    except (Exception, SystemExit) as error:
        raise DataError(
            sentence(
                f"model {network.name}",
                expected="a class that can be made as Net(inputs, outputs), Net(outputs=...) or Net()",
                got=said(error),
                remedy="give its constructor one of these forms",
            )
        ) from error
    if not isinstance(made, nn.Module) or not any(each.requires_grad for each in made.parameters()):
        raise DataError(
            sentence(
                f"model {network.name}",
                expected="a torch.nn.Module that learns something",
                got=type(made).__name__,
                remedy="derive it from torch.nn.Module and give it layers",
            )
        )
    if any(isinstance(each, UninitializedParameter) for each in made.parameters()):
        raise DataError(
            sentence(
                f"model {network.name}",
                expected="layers whose sizes are known before the first row",
                got="a lazy one",
                remedy="let it take the number of inputs as its first argument",
            )
        )
    return made


def said(error: BaseException) -> str:
    """An error of the user's code on one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:160].rstrip('. ')}"


@cache
def _class(path: str, name: str, digest: str) -> type:
    """The class, from a file that is still the one that was named: a worker imports it for itself."""
    try:
        source = Path(path).read_bytes()
    except OSError as error:
        raise DataError(
            sentence("model", expected=f"the file {path}", got=str(error), remedy="put it back")
        ) from error
    if hashlib.sha256(source).hexdigest() != digest:
        raise DataError(
            sentence(
                "model",
                expected=f"{path} as it was when the comparison began",
                got="another content",
                remedy="run the comparison anew",
            )
        )
    module_name = f"lossary_own_{digest[:16]}"
    if module_name not in sys.modules:
        spec = importlib.util.spec_from_file_location(module_name, path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[module_name] = module
        try:
            spec.loader.exec_module(module)
        except (Exception, SystemExit) as error:
            del sys.modules[module_name]
            raise DataError(
                sentence(
                    "model",
                    expected=f"a Python file that can be imported, {path}",
                    got=said(error),
                    remedy="correct it",
                )
            ) from error
    kind = getattr(sys.modules[module_name], name, None)
    if not isinstance(kind, type):
        raise DataError(
            sentence("model", expected=f"a class {name} in {path}", got="none", remedy="check its name")
        )
    return kind


def _shared_dropout(module: nn.Module) -> nn.Module:
    for name, child in module.named_children():
        if type(child) is nn.Dropout:
            setattr(module, name, Dropout(child.p))
        else:
            _shared_dropout(child)
    return module
