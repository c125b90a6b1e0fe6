"""The figures of `measure`, as text for a reader or JSON for a program."""

from __future__ import annotations

import json
from typing import Any

UNITS = {
    "spread": "{spread_unit}, median RMS distance of an atom's energy from its centroid",
    "spread_shuffled": "{spread_unit}, the same with each atom's entries permuted",
    "locality": "spread / spread_shuffled",
    "pooling": "envelope_cosine_within / envelope_cosine_between",
    "envelope_cosine_within": "mean over all pairs of atoms of one group",
    "envelope_cosine_between": "mean over all pairs of atoms of different groups",
    "copies": "of the pairs of atoms of one group are one atom twice (|cosine| > 0.99)",
    "connection_density": "of all inputs of all alive groups",
    "active_fraction": "mean usage of the alive groups",
    "worst_max_gap": "over all iterations",
}


def as_json(figures: dict[str, Any]) -> str:
    return json.dumps(figures, indent=2, ensure_ascii=False)


def as_text(figures: dict[str, Any]) -> str:
    width = max(len(name) for name in figures)
    lines = []
    for name, value in figures.items():
        if name == "spread_unit":  # said on the lines that it belongs to
            continue
        note = UNITS.get(name, "").format(**figures)
        lines.append(f"{name:<{width}}  {_value(value):<10}  {note}".rstrip())
    return "\n".join(lines)


def _value(value: Any) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
