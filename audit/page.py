"""docs/audit.md: the promises, the libraries side by side, and every failure with a line that shows it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from lossary.doctor import PROMISES

from .peer import find
from .questions import QUESTIONS, reason_left_out
from .run import DOCUMENTED, FAILED, KEPT, LIBRARIES, SEED, Answer

_ASKED_ANYWAY = {each.name for each in QUESTIONS}

_HEAD = """\
# The doctor's promises, asked of other libraries

Written by `make audit`; do not edit. The doctor examines losses of other libraries as it examines ours: inputs are
drawn from our declaration of the same loss, and judged by its definition in as many digits as it takes. An adapter is
one expression in the library's own words, which translates names, the class axis, the encoding of the target and a
known factor; the lines below are those expressions with numbers for names.

How to read it:

- **Our column is asked the same questions**, of those of our losses that another library has too.
- **A convention that a library documents is no failure.** It is listed below with the words that declare it, and is not
  counted. Neither is what a library does not offer, such as a mask: it is not asked.
- **A failure is a fact about one call, not a verdict on a library.** Many were chosen on purpose, for speed or for
  freedom with shapes. What was not declared is reported, whether it was meant or not.
- **Extreme** means logits up to 1e30 and of -inf, residuals from subnormal to 1e38. Errors are counted relative to the
  number itself: 32 roundings for a value, 256 for a derivative. So a probability of 1 - 1e-11 must keep its gradient of
  1e-11; many libraries count errors against 1 instead.
- Absent libraries are not judged: {absent}.
"""

_FOOT = """\
timm and segmentation-models-pytorch are imported without their packages' own `__init__`, which wants torchvision, whose
wheels want a CUDA build of torch; for the same reason torchvision itself is not asked. Keras runs on its torch backend.
What computes in float32 whatever it is given fails float64_stays_float64 and is judged in float32 everywhere else.
optax is asked for values and first derivatives: JAX has transformations of its own.
"""


def page(answers: Sequence[Answer]) -> str:
    """The whole page."""
    present = [name for name in LIBRARIES if any(each.library == name for each in answers)]
    missing = [name for name in LIBRARIES if name not in present] + ["torchvision"]
    parts = [
        _HEAD.format(absent=", ".join(missing)),
        f"Seed {SEED}. Versions: {', '.join(f'{name} {_version(name)}' for name in present)}.\n",
        _FOOT,
        "## Kept, of those asked\n",
        _table(answers, present),
        "## What is asked\n",
        "| promise | says | here |\n|---|---|---|\n"
        + "\n".join(f"| {q.name} | {q.says} | {q.note or 'as the doctor asks it'} |" for q in QUESTIONS)
        + "\n",
        "## What is not asked\n",
        _left_out(),
        "## Conventions that are documented\n",
        _documented(answers),
        "## Failures\n",
        "A line stands for as long as it fails. Each was executed when this page was written, after its imports.\n",
        *(_failures(name, [each for each in answers if each.library == name]) for name in present),
    ]
    return "\n".join(parts)


def _version(name: str) -> str:
    return find(name).version.partition("+")[0]


def _table(answers: Sequence[Answer], present: Sequence[str]) -> str:
    count = Counter((each.question, each.library, each.status) for each in answers)
    lines = [
        "| promise | " + " | ".join(_short(name) for name in present) + " |",
        "|---|" + "---:|" * len(present),
    ]
    for question in QUESTIONS:
        cells = [
            _cell(*(count[question.name, name, status] for status in (KEPT, FAILED))) for name in present
        ]
        lines.append(f"| {question.name} | " + " | ".join(cells) + " |")
    totals = Counter((each.library, each.status) for each in answers)
    cells = [f"**{_cell(totals[name, KEPT], totals[name, FAILED])}**" for name in present]
    losses = [str(len({each.peer for each in answers if each.library == name})) for name in present]
    lines += [f"| **all** | {' | '.join(cells)} |", f"| losses | {' | '.join(losses)} |"]
    return "\n".join(lines) + "\n"


def _cell(kept: int, failed: int) -> str:
    return f"{kept}/{kept + failed}" if kept + failed else "–"


def _short(name: str) -> str:
    return {"segmentation_models_pytorch": "smp", "pytorch_metric_learning": "pml"}.get(name, name)


def _left_out() -> str:
    reasons: dict[str, list[str]] = defaultdict(list)
    for name in PROMISES:
        if name not in _ASKED_ANYWAY:
            reasons[reason_left_out(name)].append(name)
    return "\n".join(f"- {reason}: {', '.join(names)}" for reason, names in reasons.items()) + "\n"


def _documented(answers: Iterable[Answer]) -> str:
    found = [each for each in answers if each.status == DOCUMENTED]
    said: dict[tuple[str, str], list[str]] = defaultdict(list)
    for each in found:
        said[each.peer, each.found].append(each.question)
    return "\n".join(f"- `{peer}`: {why} ({', '.join(names)})" for (peer, why), names in said.items()) + "\n"


def _failures(name: str, answers: Sequence[Answer]) -> str:
    failed = [each for each in answers if each.status == FAILED]
    lines = [f"### {name} {_version(name)}\n"]
    if not failed:
        return lines[0] + "\nNone.\n"
    lines += ["```python", *(each.strip() for each in find(name).imports), "```\n"]
    for peer in dict.fromkeys(each.peer for each in failed):
        mine = [each for each in failed if each.peer == peer]
        lines.append(f"`{peer}`, our `{mine[0].ours}`:\n")
        for each in mine:
            lines.append(f"- **{each.question}**: {_plain(each.found)}")
            lines.append(f"  `{each.reproducer}`" if each.shown else "  (seen in a call too long to print)")
        lines.append("")
    return "\n".join(lines)


def _plain(text: str) -> str:
    return text.replace("<", "‹").replace(">", "›").replace("`", "'").replace("|", "/").replace("*", "∗")
