"""One figure of the claims' table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    claim: str  # a .. f
    data: str
    what: str
    value: float
    low: float | None = None  # an interval, or the least and largest of several
    high: float | None = None
    count: int = 1  # structures, seeds or pictures that it is of
    unit: str = ""
    aim: str = ""
    met: bool | None = None  # None: nothing was aimed at


def of_several(
    claim: str, data: str, what: str, values: list[float], unit: str = "", **more: object
) -> Row:
    """Mean, least and largest."""
    mean = sum(values) / len(values)
    spread = {"low": min(values), "high": max(values), "count": len(values), "unit": unit}
    return Row(claim, data, what, mean, **{**spread, **more})  # type: ignore[arg-type]
