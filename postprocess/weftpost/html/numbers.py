"""Numbers as a reader wants them: few digits, with a unit, `unknown` where a file does not say."""

from __future__ import annotations

import math
from collections.abc import Callable

UNKNOWN = "unknown"
Format = Callable[[float], str]


def count(value: float) -> str:
    return f"{value:,.0f}"


def plain(value: float) -> str:
    """Four digits, and no exponent where there need be none."""
    if value == int(value) and abs(value) < 1e6:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def percent(value: float) -> str:
    return f"{100 * value:.2f} %"


def bits(value: float) -> str:
    return f"{value:.2f}"


def gap(value: float) -> str:
    return f"{value:.1e}"


def megabytes(value: float) -> str:
    return f"{value / 1e6:,.0f} MB"


def duration(value: float) -> str:
    if value < 100:
        return f"{value:.1f} s"
    minutes, seconds = divmod(round(value), 60)
    if minutes < 100:
        return f"{minutes} min {seconds} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


# By the names of metrics.METRICS and of the columns of a sweep; others are plain.
FORMATS: dict[str, Format] = {
    "bits": bits,
    "entropy_bits": bits,
    "layers": count,
    "density": percent,
    "activity": percent,
    "test_accuracy": percent,
    "train_accuracy": percent,
    "max_gap": gap,
    "alive_groups": count,
    "weights": count,
    "epochs": count,
    "seconds": duration,
    "train_seconds": duration,
    "peak_bytes": megabytes,
}


def said(name: str, value: float | None) -> str:
    """The value of a metric, by its name."""
    return known(value, FORMATS.get(name, plain))


def known(value: float | None, form: Format) -> str:
    return UNKNOWN if value is None or not math.isfinite(value) else form(value)


def several(number: int, noun: str, plural: str = "") -> str:
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
