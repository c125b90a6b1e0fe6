"""What the options of a sweep do: parallel coordinates, response curves, medians behind them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..figures import sweep_parallel, sweep_response
from ..metrics import METRICS
from ..sweep.best import best
from ..sweep.collect import Sweep
from ..sweep.columns import number, short
from ..sweep.words import tell
from . import numbers
from .figure import figure
from .markup import Html
from .page import Section, details
from .table import Column, breakable, table

MOST_TOLD = 6  # values of an option, of which each is told in words

Median = tuple[str, float, int]  # value of the option, median of the metric, how many points


def section(sweep: Sweep, metrics: list[str]) -> Section:
    return Section("What the options do", Html(), tuple(_parts(sweep, metrics)))


def _parts(sweep: Sweep, metrics: list[str]) -> Iterator[Section]:
    for metric in metrics:
        label = METRICS[metric].label
        yield Section(f"All points, by {label}", _parallel(sweep, metric))
        if sweep.varied:
            yield Section(f"Each option, by {label}", _response(sweep, metric))


def _parallel(sweep: Sweep, metric: str) -> Html:
    label = METRICS[metric].label
    values = [point.metrics[metric] for point in sweep.known(metric)]
    words = (
        f"Parallel coordinates of {numbers.several(len(values), 'point')}, "
        f"{label} from {tell(metric, min(values))} to {tell(metric, max(values))}."
    )
    found = best(sweep, metric)
    if found:
        words += f" The best: {found.point.name}, {tell(metric, found.value)}."
    caption = f"A line for each point, through its options and what came of it; colour: {label}."
    return figure(sweep_parallel.draw(sweep, metric), words, caption)


def _response(sweep: Sweep, metric: str) -> Html:
    label = METRICS[metric].label
    medians = {name: _medians(sweep, metric, name) for name in sweep.varied}
    told = "; ".join(
        f"{short(name)}: {_told(metric, found)}" for name, found in medians.items() if found
    )
    heads = [Column(title, title != "option") for title in ("option", "value", "median", "points")]
    rows = [
        [breakable(short(name)), text, tell(metric, value), str(count)]
        for name, found in medians.items()
        for text, value, count in found
    ]
    caption = f"Median of {label} by option"
    return figure(
        sweep_response.draw(sweep, metric),
        f"{caption}. {told}.",
        f"Dots are points; the line is the median of {label} over all that other options take.",
        details(f"{caption}, as a table", table(caption, heads, rows)),
    )


def _medians(sweep: Sweep, metric: str, name: str) -> list[Median]:
    """Of the finished points, at each value that they have of the option."""
    values: dict[str, list[float]] = {}
    for point in sweep.known(metric):
        values.setdefault(point.values.get(name, ""), []).append(point.metrics[metric])
    texts = [text for text in values if text]
    if all(number(text) is not None for text in texts):
        texts.sort(key=float)
    return [(text, float(np.median(values[text])), len(values[text])) for text in texts]


def _told(metric: str, found: list[Median]) -> str:
    told = found if len(found) <= MOST_TOLD else [found[0], found[-1]]
    return ", ".join(f"{tell(metric, value)} at {text}" for text, value, _ in told)
