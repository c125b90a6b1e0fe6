"""Numbers as they are written: a user's text reaches weft as it is; only ranges make their own."""

from __future__ import annotations

import re
from fractions import Fraction

# Bounded, so that 1e999999999 is a word and not a number that fills the memory.
NUMBER = re.compile(r"[+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,3})?", re.ASCII)
WHOLE = re.compile(r"[+-]?\d{1,18}", re.ASCII)
COUNT = re.compile(r"\d{1,18}", re.ASCII)


def number(text: str) -> Fraction | None:
    """Its exact value: 0.1 is a tenth. None: it is not a number."""
    return Fraction(text) if NUMBER.fullmatch(text) else None


def is_whole(text: str) -> bool:
    return bool(WHOLE.fullmatch(text))


def count(text: object) -> int | None:
    """A whole number of 0 or more, in digits."""
    return int(text) if isinstance(text, str) and COUNT.fullmatch(text) else None


def too_long(text: object) -> bool:
    """Digits alone, more than a count has room for."""
    return isinstance(text, str) and text.isascii() and text.isdigit() and count(text) is None


def written(value: Fraction | float) -> str:
    """Six significant digits: enough for a setting, short, and the same on any machine."""
    if isinstance(value, Fraction) and value.denominator == 1:
        return str(int(value))
    return format(float(value), ".6g")
