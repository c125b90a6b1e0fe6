"""`weftpost claims DIR`: reads what the steps made, and writes one table and its pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from . import accuracy, depth, information, structure
from .found import Found, read_found
from .rows import Row
from .table import CLAIMS


@dataclass(frozen=True)
class Report:
    rows: list[Row]
    missing: dict[str, int]  # files, by claim
    figures: dict[str, Callable[[], Figure]]  # by the end of the file's name


def report(directory: Path) -> Report:
    from ..figures import claims as draw  # it needs this package's classes

    found = read_found(directory)
    names = found.data_sets()
    points = {name: information.points(found, name) for name in names}
    depths = {name: depth.read_depth(found, name) for name in names}
    deep = {name: value for name, value in depths.items() if value is not None}
    bars = {name: accuracy.bars(found, name) for name in names}
    rows = []
    for name in names:
        rows += information.rows_a(name, points[name]) + information.rows_b(name, points[name])
        rows += structure.rows_c(found, name) + structure.rows_d(found, name)
        rows += depth.rows_e(name, deep[name]) if name in deep else []
        rows += accuracy.rows_f(name, bars[name])
    rows.sort(key=lambda row: row.claim)  # stable: data sets stay in turn
    figures: dict[str, Callable[[], Figure]] = {}
    if any(points.values()):
        figures["information"] = lambda: draw.draw_information(points, rows)
        figures["learning"] = lambda: draw.draw_learning(points)
    if any("shift" in row.what for row in rows):
        figures["shifts"] = lambda: draw.draw_shifts(rows, names)
    if deep:
        figures["depth"] = lambda: draw.draw_depth(deep)
    if any(bars.values()):
        figures["accuracy"] = lambda: draw.draw_accuracy(bars)
    return Report(rows, _missing(found), figures)


def _missing(found: Found) -> dict[str, int]:
    """Claims b, c and d read the files of a and f."""
    counts = {claim: found.missing(claim) for claim in "aef"}
    return {**{claim: 0 for claim in CLAIMS}, **counts}
