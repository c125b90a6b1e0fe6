"""What a sweep came to, in words and small tables for a terminal."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ..metrics import METRICS
from .best import ACCURACY, BITS, best, best_by_each, correlation, in_order, rank
from .collect import DONE, FAILED, Sweep
from .columns import short

SHOWN = 10  # points in the list of the best
NAMED = 3  # points of one reason to fail
TICKS = 5  # of an axis, that must be told apart
BESIDE = (BITS, ACCURACY, "density", "activity", "seconds", "peak_bytes")  # that it has of each


def summary(sweep: Sweep, by: str) -> str:
    parts = [counts(sweep), *failures(sweep)]
    if sweep.finished():
        parts += ["", _list(sweep, by), "", _bests(sweep)]
        parts += ["", *sentences(sweep)] if sentences(sweep) else []
    return "\n".join([*parts, ""])


def counts(sweep: Sweep) -> str:
    told = [f"{count} {state}" for state, count in sweep.counts().items() if count]
    total = len(sweep.points)
    return f"{total} point{'s' * (total != 1)}: {', '.join(told)}"


def failures(sweep: Sweep) -> list[str]:
    """A line for each reason, with the points that it is of."""
    points: dict[str, list[str]] = {}
    for point in sweep.points:
        if point.state == FAILED:
            points.setdefault(point.reason, []).append(point.name)
    lines = []
    for reason, names in points.items():
        more = len(names) - NAMED
        lines.append(f"failed, {len(names)}: {reason}")
        lines += [f"    {name}" for name in names[:NAMED]]
        lines += [f"    and {more} more"] if more > 0 else []
    return lines


def left_out(sweep: Sweep, by: str) -> str:
    """Of a picture by a metric: the points that are not in it; empty where all are."""
    states = {state: count for state, count in sweep.counts().items() if state != DONE}
    told = [f"{count} {state}" for state, count in states.items() if count]
    without = len(sweep.finished()) - len(sweep.known(by))
    told += [f"{without} done, {METRICS[by].label} unknown"] if without else []
    return f"Not drawn: {', '.join(told)}." if told else ""


def sentences(sweep: Sweep) -> list[str]:
    """The best by bits with its rank by accuracy, and how bits and accuracy go together."""
    lines = []
    first = best(sweep, BITS)
    if first:
        lines.append(f"best by bits: {first.point.name} ({tell(BITS, first.value)} bits)")
        lines[0] += _equals(first.equals) + _by_accuracy(sweep)
    found = correlation(sweep)
    if found:
        lines.append(
            f"Spearman's rank correlation of bits and accuracy: {found.rho:.2f}"
            f" (95 %: {found.low:.2f} to {found.high:.2f}), {found.count} points"
        )
    return lines


def tell(metric: str, value: float) -> str:
    """A value for a person; its unit is in the metric's label."""
    if not math.isfinite(value):
        return "unknown"
    if metric == "peak_bytes":
        return f"{value / 1e6:.0f} MB"
    if metric in ("layers", "alive_groups", "weights"):
        return f"{value:,.0f}"
    decimals = {ACCURACY: 4, BITS: 2, "entropy_bits": 1, "density": 4, "activity": 4, "max_gap": -1}
    places = decimals.get(metric)
    return f"{value:.4g}" if places is None or places < 0 else f"{value:.{places}f}"


def teller(metric: str, low: float, high: float) -> Callable[[float], str]:
    """Tells the ticks of an axis: as values are told, with more digits where these are too few."""
    ticks = {tell(metric, value) for value in np.linspace(low, high, TICKS)}
    if len(ticks) == TICKS or not high > low:
        return lambda value: tell(metric, value)
    digits = 2 + math.ceil(math.log10(max(abs(low), abs(high)) / (high - low)))
    scale, unit = (1e6, " MB") if metric == "peak_bytes" else (1.0, "")
    return lambda value: f"{value / scale:.{digits}g}{unit}"


def ordinal(number: int) -> str:
    endings = {1: "st", 2: "nd", 3: "rd"}
    return f"{number}{'th' if 10 <= number % 100 <= 20 else endings.get(number % 10, 'th')}"


def _by_accuracy(sweep: Sweep) -> str:
    first, top = best(sweep, BITS), best(sweep, ACCURACY)
    if first is None or top is None:
        return ""
    place = rank(sweep, ACCURACY, first.point)
    if place is None:
        return "; its accuracy is not known"
    own = tell(ACCURACY, first.point.metrics[ACCURACY])
    return (
        f", {ordinal(place)} of {top.count} by accuracy"
        f" ({own}; best {tell(ACCURACY, top.value)})"
    )


def _equals(count: int) -> str:
    return f" and {count} more as good" if count else ""


def _list(sweep: Sweep, by: str) -> str:
    """The best points by one metric: what they vary, and what came of it."""
    order = in_order(sweep, by)
    names = [name for name in (by, *BESIDE) if sweep.known(name)]
    names = list(dict.fromkeys(names))
    head = ["", *(short(name) for name in sweep.varied), *(METRICS[n].label for n in names)]
    rows = [
        [
            str(rank(sweep, by, point)),
            *(point.values.get(name, "") for name in sweep.varied),
            *(tell(name, point.metrics[name]) for name in names),
        ]
        for point in order[:SHOWN]
    ]
    shown = f"the best {SHOWN} of {len(order)}" if len(order) > SHOWN else "all"
    if METRICS[by].better is None:
        shown = shown.replace("best", "least")
    return f"by {METRICS[by].label}, {shown}:\n" + align([head, *rows])


def _bests(sweep: Sweep) -> str:
    rows = [["best by", "", "point", "of"]]
    for found in best_by_each(sweep):
        name = found.point.name + _equals(found.equals)
        value = tell(found.metric, found.value)
        rows.append([METRICS[found.metric].label, value, name, str(found.count)])
    return align(rows, left=(0, 2))


def align(rows: list[list[str]], left: tuple[int, ...] = ()) -> str:
    """Columns under one another, to the right but for those named."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            text.ljust(width) if i in left else text.rjust(width)
            for i, (text, width) in enumerate(zip(row, widths))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
