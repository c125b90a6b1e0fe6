"""A comparison as text for a reader, and as one JSON object for a program."""

from __future__ import annotations

import json
import math
from typing import Any

from ..sweep.words import align, tell
from .compared import Compared

LONGEST = 60  # characters of a value in a table


def as_text(found: Compared) -> str:
    parts = [f"A: {_about(found.a)}\nB: {_about(found.b)}", _options(found), _metrics(found)]
    return "\n\n".join([*parts, _agreement(found)] if found.runs else parts) + "\n"


def as_json(found: Compared) -> str:
    a, b = found.a.values, found.b.values
    values = {
        name: {"a": a[name], "b": b[name], "difference": apart(found, name)}
        for name in found.metrics()
    }
    whole: dict[str, Any] = {
        **{
            key: {"path": str(own.path), "kind": own.kind, "complete": own.complete}
            for key, own in (("a", found.a), ("b", found.b))
        },
        "options": {name: list(pair) for name, pair in found.options.items()},
        "made": {name: list(pair) for name, pair in found.made.items()},
        "metrics": {name: {k: _known(v) for k, v in trio.items()} for name, trio in values.items()},
        "agreement": _agreement_numbers(found),
    }
    return json.dumps(whole, indent=2, ensure_ascii=False)


def apart(found: Compared, name: str) -> float:
    return found.b.values[name] - found.a.values[name]


def _about(own: Any) -> str:
    return f"{own.path} ({'complete' if own.complete else 'checkpoint'})"


def _options(found: Compared) -> str:
    pairs = {**found.options, **found.made}
    if not pairs:
        return "Options as run: all the same."
    rows = [["what differs", "A", "B"]]
    rows += [[name, *(_cut(text) or "not there" for text in pair)] for name, pair in pairs.items()]
    return align(rows, left=(0,))


def _metrics(found: Compared) -> str:
    rows = [["", "A", "B", "B - A", ""]]
    for name, metric in found.metrics().items():
        a, b = found.a.values[name], found.b.values[name]
        if math.isnan(a) and math.isnan(b):
            continue
        step = apart(found, name)
        sign = "+" if step > 0 else ""
        change = f"{sign}{tell(name, step)}" if math.isfinite(step) else ""
        relative = f"{100 * step / abs(a):+.1f} %" if math.isfinite(step) and a and step else ""
        rows.append([metric.label, tell(name, a), tell(name, b), change, relative])
    return align(rows, left=(0,))


def _agreement(found: Compared) -> str:
    if found.matches is None:
        return "Dictionaries: of different inputs, so not compared."
    numbers = [match.numbers() for match in found.matches]
    rows = [["best matches of the first layer (1: the same)", "of A in B", "of B in A"]]
    rows += [[name, *(f"{own[name]:.3f}" for own in numbers)] for name in numbers[0]]
    return align(rows, left=(0,))


def _agreement_numbers(found: Compared) -> dict[str, Any] | None:
    if found.matches is None:
        return None
    return {
        key: {name: _known(value) for name, value in match.numbers().items()}
        for key, match in zip(("a_in_b", "b_in_a"), found.matches)
    }


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _cut(text: str) -> str:
    """The end of a long path says more than its beginning."""
    return text if len(text) <= LONGEST else "…" + text[1 - LONGEST :]
