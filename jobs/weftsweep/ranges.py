"""The values of a varied option: a list, or a range that counts its points before it makes them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from .errors import SweepError, one_line
from .numerals import count, is_whole, number, too_long, written

KINDS = ("linear", "log", "uniform")


@dataclass(frozen=True)
class Choices:
    texts: tuple[str, ...]

    @property
    def count(self) -> int:
        return len(self.texts)

    def values(self) -> list[str]:
        return list(self.texts)

    def draw(self, at: float) -> str:
        """`at` is in [0, 1)."""
        return self.texts[int(at * len(self.texts))]


@dataclass(frozen=True)
class Range:
    kind: str
    low: str
    high: str
    points: int | None  # None: continuous, for random draws
    whole: bool  # of an option that takes whole numbers

    @property
    def count(self) -> int:
        """At most; whole numbers that fall together are one value."""
        return self.points or 0

    def values(self) -> list[str]:
        return list(dict.fromkeys(map(self._point, range(self.count))))

    def draw(self, at: float) -> str:
        """Of a million points it makes one."""
        if self.points is not None:
            return self._point(int(Fraction(at) * self.points))
        return self._written(Fraction(at))

    def _point(self, index: int) -> str:
        return self._written(Fraction(index, max(1, self.count - 1)))

    def _written(self, at: Fraction) -> str:
        """The value at this part of the way from low to high."""
        if at in (0, 1):
            return self.low if at == 0 else self.high
        low, high = Fraction(self.low), Fraction(self.high)
        value: Fraction | float = low + (high - low) * at
        if self.kind == "log":
            value = math.exp(math.log(low) + (math.log(high) - math.log(low)) * float(at))
        if self.whole:
            value = Fraction(math.floor(Fraction(value) + Fraction(1, 2)))
        return written(value)


def choices(name: str, texts: list[str]) -> Choices:
    if not texts:
        raise SweepError(f"{name}: the list is empty; give it a value, or leave the option out")
    seen: dict[object, str] = {}
    for text in texts:
        value = number(text)
        key = text if value is None else value
        if key in seen:
            raise SweepError(f"{name}: {one_line(text)} stands twice in the list")
        seen[key] = text
    return Choices(tuple(texts))


def make_range(name: str, node: dict[str, object], random: bool, whole: bool) -> Range:
    """From {linear: [a, b], points: n} and its like; `whole`: the option takes whole numbers."""
    kinds = [key for key in node if key in KINDS]
    unknown = [key for key in node if key not in (*KINDS, "points")]
    if unknown or len(kinds) != 1:
        wrong = f"{one_line(unknown[0])} is not known in a range" if unknown else "not one range"
        ways = "{linear: [a, b], points: n}, {log: [a, b], points: n} or {uniform: [a, b]}"
        raise SweepError(f"{name}: {wrong}; write {ways}")
    low, high = _bounds(name, kinds[0], node[kinds[0]])
    points = _points(name, kinds[0], node.get("points"), random)
    if low == high and points != 1:
        words = f"{kinds[0]} [{low}, {high}] is one value"
        raise SweepError(f"{name}: {words}; write that value alone")
    whole = whole and is_whole(low) and is_whole(high)
    return Range(kinds[0], low, high, points, whole)


def _bounds(name: str, kind: str, node: object) -> tuple[str, str]:
    texts = [text for text in node if isinstance(text, str)] if isinstance(node, list) else []
    values = [value for text in texts if (value := number(text)) is not None]
    if not isinstance(node, list) or len(node) != 2 or len(values) != 2:
        raise SweepError(f"{name}: {kind}: two numbers are wanted, {kind}: [a, b]")
    if values[1] < values[0]:
        raise SweepError(
            f"{name}: {kind} [{texts[0]}, {texts[1]}] is empty; the smaller number comes first"
        )
    if kind == "log" and values[0] <= 0:
        raise SweepError(f"{name}: log [{texts[0]}, {texts[1]}]: both ends must be above 0")
    return texts[0], texts[1]


def _points(name: str, kind: str, node: object, random: bool) -> int | None:
    if kind == "uniform" or (kind == "log" and random and node is None):
        if node is not None:
            raise SweepError(f"{name}: uniform has no points; linear has")
        if not random:
            words = "uniform is for random draws; add random: {draws: N, seed: 1}"
            raise SweepError(f"{name}: {words}")
        return None
    points = count(node)
    if too_long(node):
        raise SweepError(f"{name}: {kind}: points is too large a number, of more than 18 digits")
    if not points:
        way = f"{kind}: [a, b], points: 5"
        if random and kind == "linear":
            way = "uniform draws anywhere"
        raise SweepError(f"{name}: {kind}: points must be a whole number of 1 or more ({way})")
    return points
