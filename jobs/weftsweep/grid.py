"""A grid: what GRID.yaml says, checked against what weft knows, and its points."""

from __future__ import annotations

import math
from collections.abc import Container, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

from . import where, yamlfile
from .errors import SweepError, one_line
from .numerals import count, number, too_long
from .options import SECTIONS, Verb
from .ranges import Choices, Range, choices, make_range

KEYS = (*SECTIONS, "where", "random")
TRIES = 1000  # draws for each point that is wanted; then the constraints are too narrow
Values = dict[str, str]


@dataclass(frozen=True)
class Option:
    verb: str
    name: str

    @property
    def key(self) -> str:
        """As constraints, the manifest and the table have it: both verbs have -seed."""
        prefixed = self.verb == "train" and not self.name.startswith("weft_train_")
        return f"train.{self.name}" if prefixed else self.name


@dataclass(frozen=True)
class Draws:
    count: int
    seed: int


@dataclass(frozen=True)
class Grid:
    path: str
    text: str
    options: tuple[Option, ...]  # all that are given, in the order of the file
    fixed: Values
    axes: dict[str, Choices | Range]
    defaults: Values
    conditions: tuple[where.Condition, ...]
    draws: Draws | None
    train: bool

    @property
    def verbs(self) -> list[str]:
        return ["learn", "train"] if self.train else ["learn"]

    def points(self, most: int) -> list[Values]:
        """The values of the varied options at each point."""
        wanted = self.draws.count if self.draws else math.prod(a.count for a in self.axes.values())
        if wanted > most:
            raise SweepError(self._too_many(wanted, most))
        found = self._drawn(self.draws) if self.draws else self._all()
        if not found:
            raise SweepError(f"{self.path}: where: no point is left by {self._conditions()}")
        return found

    def _too_many(self, wanted: int, most: int) -> str:
        axes = " x ".join(f"{key} {axis.count}" for key, axis in self.axes.items())
        how = "random: draws" if self.draws else axes
        words = f"{wanted} points ({how}), more than {most}; if they are meant: --most {wanted}"
        return f"{self.path}: {words}"

    def _conditions(self) -> str:
        return " and ".join(f"'{condition.text}'" for condition in self.conditions)

    def _all(self) -> list[Values]:
        lists = product(*(axis.values() for axis in self.axes.values()))
        found = (dict(zip(self.axes, texts)) for texts in lists)
        return [values for values in found if self._allowed(values)]

    def _drawn(self, draws: Draws) -> list[Values]:
        """Random.random() gives the same numbers everywhere; each option takes one, in turn."""
        random = Random(draws.seed)
        found: dict[tuple[str, ...], Values] = {}
        for _ in range(TRIES * draws.count):
            values = {key: axis.draw(random.random()) for key, axis in self.axes.items()}
            if self._allowed(values):
                found.setdefault(tuple(values.values()), values)
            if len(found) == draws.count:
                return list(found.values())
        if not found:
            return []
        words = f"there seem to be {len(found)} different points, not {draws.count}"
        raise SweepError(f"{self.path}: random: {words}; draw fewer, or widen the ranges")

    def _allowed(self, values: Values) -> bool:
        known = {**self.defaults, **self.fixed, **values}
        return all(condition.holds(known) for condition in self.conditions)


def read_grid(path: Path, verbs: dict[str, Verb]) -> Grid:
    tree, text = yamlfile.load(path)
    try:
        return _grid(str(path), tree, text, verbs)
    except SweepError as error:
        raise SweepError(f"{path}: {error}") from None


def _grid(path: str, tree: dict[str, Any], text: str, verbs: dict[str, Verb]) -> Grid:
    for key in tree:
        if key not in KEYS:
            raise SweepError(f"{one_line(key)}: no such section; there are {', '.join(KEYS)}")
    if "learn" not in tree:
        raise SweepError("no section learn:; write it, and under it options of weft learn")
    draws = _draws(tree["random"]) if "random" in tree else None
    options: list[Option] = []
    fixed: Values = {}
    axes: dict[str, Choices | Range] = {}
    for option, node, verb in _entries(tree, verbs):
        if option in options:
            raise SweepError(f"{option.verb}: {option.name} stands twice, with a dash and without")
        options.append(option)
        value = _value(option, node, verb, draws is not None)
        if isinstance(value, str):
            fixed[option.key] = value
        else:
            axes[option.key] = value
    train = "train" in tree
    if draws and not axes:
        raise SweepError("random: nothing is varied; give an option a list or a range")
    defaults = _defaults(verbs, train)
    known = {*defaults, *fixed, *axes}
    conditions = tuple(_condition(word, known) for word in _texts("where", tree.get("where", [])))
    return Grid(path, text, tuple(options), fixed, axes, defaults, conditions, draws, train)


def _entries(tree: dict[str, Any], verbs: dict[str, Verb]) -> Iterator[tuple[Option, Any, Verb]]:
    for section in (name for name in tree if name in SECTIONS):
        entries = tree[section] or {}
        if not isinstance(entries, dict):
            raise SweepError(f"{section}: options are wanted, each as name: value")
        for name, node in entries.items():
            yield Option(section, name.lstrip("-")), node, verbs[section]


def _value(option: Option, node: Any, verb: Verb, random: bool) -> str | Choices | Range:
    """A single value stays fixed; a list of one is a varied option of one value."""
    known = verb.find(option.name)
    name = f"{option.verb}: {option.name}"
    if isinstance(node, dict):
        return make_range(name, node, random, known.whole)
    texts = _texts(name, node)
    for text in texts:
        _check_text(name, text)
    return choices(name, texts) if isinstance(node, list) else texts[0]


def _texts(name: str, node: Any) -> list[str]:
    items = node if isinstance(node, list) else [node]
    for item in items:
        if not isinstance(item, str):
            raise SweepError(f"{name}: a value or a flat list of values is wanted")
    return items


def _check_text(name: str, text: str) -> None:
    if not text:
        raise SweepError(f"{name}: has no value; give it one, or leave it out")
    if "\0" in text:
        raise SweepError(f"{name}: a value cannot hold a zero byte")
    if text.startswith("-") and number(text) is None:
        words = "weft would take it for an option; no dash in front"
        raise SweepError(f"{name}: {one_line(text)}: {words}")


def _draws(node: Any) -> Draws:
    entries = node if isinstance(node, dict) else {}
    draws, seed = count(entries.get("draws")), count(entries.get("seed", "1"))
    for key in ("draws", "seed"):
        if too_long(entries.get(key)):
            raise SweepError(f"random: {key} is too large a number, of more than 18 digits")
    if not draws or seed is None or not entries.keys() <= {"draws", "seed"}:
        raise SweepError("random: {draws: N, seed: S} is wanted, whole numbers, N of 1 or more")
    return Draws(draws, seed)


def _defaults(verbs: dict[str, Verb], train: bool) -> Values:
    found = {}
    for section in ("learn", "train") if train else ("learn",):
        for known in verbs[section].options.values():
            if known.default is not None:
                found[Option(section, known.name).key] = known.default
    return found


def _condition(text: str, known: Container[str]) -> where.Condition:
    condition = where.parse(text)
    for name in condition.names:
        if name not in known:
            words = f"{name} is neither in the grid nor an option with a default"
            raise SweepError(f"where: {condition.text}: {words}")
    return condition
