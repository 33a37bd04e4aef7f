"""Survival sets of lifelines, readable as tables: survival itself is no task of the laboratory yet."""

from __future__ import annotations

from io import BytesIO

import pandas as pd

from lossary.lab.data.embedded.origin import Embedded, Loaded, content


def _csv(entry: Embedded) -> Loaded:
    return Loaded(pd.read_csv(BytesIO(content(entry, f"datasets/{entry.name}.csv"))))


def _set(name: str, title: str, event: str, time: str, rows: int, inputs: int, source: str) -> Embedded:
    return Embedded(
        name,
        title,
        "survival",
        event,
        rows,
        (inputs,),
        f"{source}, as copied in lifelines",
        "no licence of its own; distributed within lifelines (MIT)",
        "lifelines",
        "survival",
        _csv,
        note=f"{event!r} says whether {time!r} ended in the event or was cut short; survival is no task yet, and as a "
        f"class {event!r} tells little without {time!r}",
    )


SETS = (
    _set(
        "gbsg2",
        "Breast cancer, German study group: time to recurrence",
        "cens",
        "time",
        686,
        9,
        "Schumacher and others 1994, Sauerbrei and Royston 1999",
    ),
    _set(
        "rossi",
        "Released convicts: weeks to arrest",
        "arrest",
        "week",
        432,
        8,
        "Rossi, Berk and Lenihan 1980",
    ),
    _set("lung", "Advanced lung cancer: days to death", "status", "time", 228, 9, "Loprinzi and others 1994"),
    _set(
        "kidney_transplant",
        "Kidney transplants: days to death",
        "death",
        "time",
        863,
        5,
        "Klein and Moeschberger 1997",
    ),
    _set(
        "larynx",
        "Cancer of the larynx: years to death",
        "death",
        "time",
        90,
        5,
        "Kardaun 1983, Klein and Moeschberger 1997",
    ),
)
