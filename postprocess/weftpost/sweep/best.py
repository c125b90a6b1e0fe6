"""Which points are best, where the best by bits stands by accuracy, and how the two go together."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..claims.rank import Correlation, correlate
from ..metrics import METRICS
from .collect import Point, Sweep

FEWEST = 5  # points for a correlation
BITS, ACCURACY = "bits", "test_accuracy"


@dataclass(frozen=True)
class Best:
    metric: str
    point: Point  # the first, where several are equal
    value: float
    equals: int  # other points that are as good
    count: int  # points that it is the best of


def in_order(sweep: Sweep, metric: str) -> list[Point]:
    """The finished points that have the metric, best first; equal ones as in the manifest."""
    sign = -1 if METRICS[metric].better == "most" else 1
    return sorted(sweep.known(metric), key=lambda point: sign * point.metrics[metric])


def best(sweep: Sweep, metric: str) -> Best | None:
    """None where the metric is of no finished point, or neither more nor less of it is better."""
    order = in_order(sweep, metric)
    if not order or METRICS[metric].better is None:
        return None
    value = order[0].metrics[metric]
    equals = sum(point.metrics[metric] == value for point in order) - 1
    return Best(metric, order[0], value, equals, len(order))


def best_by_each(sweep: Sweep) -> list[Best]:
    found = (best(sweep, name) for name, metric in METRICS.items() if metric.better)
    return [each for each in found if each is not None]


def rank(sweep: Sweep, metric: str, point: Point) -> int | None:
    """1: no point is better; equal points share a rank. None: not known of this point."""
    order = in_order(sweep, metric)
    if point not in order:
        return None
    values = [other.metrics[metric] for other in order]
    return 1 + values.index(point.metrics[metric])


def correlation(sweep: Sweep) -> Correlation | None:
    """Spearman's of bits and accuracy, where enough points have both and both vary."""
    both = [point for point in sweep.known(BITS) if math.isfinite(point.metrics[ACCURACY])]
    if len(both) < FEWEST:
        return None
    bits, accuracy = (np.array([p.metrics[name] for p in both]) for name in (BITS, ACCURACY))
    varies = np.ptp(bits) > 0 and np.ptp(accuracy) > 0
    return correlate(bits, accuracy) if varies else None
