"""The columns of a sweep's table: the point, its state, what it varies, what came of it."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

import numpy as np

from ..metrics import METRICS
from .collect import Point, Sweep

LOG_RATIO = 3.0  # largest over smallest value, below which a log axis shows nothing new


@dataclass(frozen=True)
class Column:
    name: str
    description: str
    units: str
    texts: list[str]  # as they go into the CSV; empty: unknown
    numbers: np.ndarray | None  # None where not all are numbers; NaN: unknown


def columns(sweep: Sweep) -> list[Column]:
    points = sweep.points
    return [
        _words("point", "name of the point", [point.name for point in points]),
        _words("state", "done, failed, stopped, running or missing", [p.state for p in points]),
        *(option_column(sweep, name) for name in sweep.varied),
        *(_metric_column(sweep, name) for name in METRICS),
        _words("reason", "why it failed", [point.reason for point in points]),
        _words("directory", "of its files, below the sweep's", [_below(sweep, p) for p in points]),
    ]


def option_column(sweep: Sweep, name: str) -> Column:
    texts = [point.values.get(name, "") for point in sweep.points]
    numbers = [number(text) if text else math.nan for text in texts]
    known = [value for value in numbers if value is not None]
    all_numbers = len(known) == len(numbers) and any(texts)
    return Column(
        name=name,
        description="option that the sweep varies",
        units="1",
        texts=texts,
        numbers=np.array(known) if all_numbers else None,
    )


def short(name: str) -> str:
    """An option as it stands in the names of points: without the prefix that nearly all have."""
    prefix, dot, rest = name.rpartition("train.")
    return prefix + dot + rest.removeprefix("weft_")


def number(text: str) -> float | None:
    """None where the text is no finite number as an option has it."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in text else None


def log_spaced(values: np.ndarray) -> bool:
    """Whether the distinct values stand more evenly on a log axis than on a linear one."""
    distinct = np.unique(values[np.isfinite(values)])
    if len(distinct) < 3 or distinct[0] <= 0 or distinct[-1] < LOG_RATIO * distinct[0]:
        return False
    return _unevenness(np.log(distinct)) < _unevenness(distinct)


def _unevenness(values: np.ndarray) -> float:
    gaps = np.diff(values)
    return float(gaps.std() / gaps.mean())


def _words(name: str, description: str, texts: list[str]) -> Column:
    return Column(name, description, "", texts, None)


def _below(sweep: Sweep, point: Point) -> str:
    return os.path.relpath(point.directory, sweep.directory)


def _metric_column(sweep: Sweep, name: str) -> Column:
    values = sweep.column(name)
    texts = [_text(value) for value in values]
    return Column(name, METRICS[name].description, METRICS[name].units, texts, values)


def _text(value: float) -> str:
    """The shortest that gives the same number again."""
    if math.isnan(value):
        return ""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(float(value))
