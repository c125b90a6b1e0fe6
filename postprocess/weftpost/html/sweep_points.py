"""The table of all points of a sweep, to be sorted, and that of those which failed."""

from __future__ import annotations

import math

from ..metrics import METRICS
from ..sweep.best import BITS
from ..sweep.collect import FAILED, Point, Sweep
from ..sweep.columns import number, option_column, short
from ..sweep.words import tell
from .markup import join, tag
from .page import Section, paragraphs
from .table import ASCENDING, DESCENDING, Cell, Column, Sorting, breakable, table

FAILED_WORDS = (
    "They did not stop the others. The log.txt in a point's directory says more; "
    "once that is mended, running the sweep again does what is missing."
)


def section(sweep: Sweep) -> Section:
    metrics = [name for name in METRICS if _known(sweep, name)]
    heads = [Column("point", False, ASCENDING), Column("state", False, ASCENDING)]
    heads += [_option(sweep, name) for name in sweep.varied]
    heads += [_metric(name) for name in metrics]
    sorting = Sorting(2 + len(sweep.varied), DESCENDING) if BITS in metrics else None
    points = sorted(sweep.points, key=_most_bits) if sorting else sweep.points
    rows = [_row(sweep, point, metrics) for point in points]
    caption = "All points of the sweep" + (", most bits first" if sorting else "")
    whole = table(caption, heads, rows, sortable=True, sorted_by=sorting, class_="sweep")
    left = ", ".join(METRICS[name].label for name in METRICS if name not in metrics)
    note = f"Not known of any point, and left out: {left}." if left else ""
    return Section("All points", join((whole, paragraphs(note))), wide=True)


def _known(sweep: Sweep, metric: str) -> bool:
    return any(math.isfinite(point.metrics[metric]) for point in sweep.points)


def _option(sweep: Sweep, name: str) -> Column:
    return Column(short(name), option_column(sweep, name).numbers is not None, ASCENDING)


def _metric(name: str) -> Column:
    metric = METRICS[name]
    return Column(metric.label, True, ASCENDING if metric.better == "least" else DESCENDING)


def _most_bits(point: Point) -> tuple[bool, float]:
    value = point.metrics[BITS]
    return math.isnan(value), -value


def _row(sweep: Sweep, point: Point, metrics: list[str]) -> list[str | Cell]:
    options = (point.values.get(name, "") for name in sweep.varied)
    return [
        Cell(breakable(point.name, ","), point.name),
        Cell(point.state, point.state),
        *(_option_cell(text) for text in options),
        *(_metric_cell(name, point.metrics[name]) for name in metrics),
    ]


def _option_cell(text: str) -> Cell:
    value = number(text)
    return Cell(text, text if value is None else value)


def _metric_cell(name: str, value: float) -> Cell:
    return Cell(tell(name, value) if math.isfinite(value) else "", value)


def failed(sweep: Sweep) -> list[Section]:
    rows = [
        [breakable(point.name), breakable(point.reason)]
        for point in sweep.points
        if point.state == FAILED
    ]
    if not rows:
        return []
    heads = [Column("point", False), Column("reason", False)]
    whole = table("Points that failed, and why", heads, rows, class_="pairs")
    return [Section("Points that failed", join((tag("p", FAILED_WORDS), whole)))]
