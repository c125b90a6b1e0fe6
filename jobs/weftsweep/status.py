"""How far each point is: its status.json, held against the manifest and its files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .files import Json, read_json
from .manifest import Point

NAME = "status.json"
STATES = ("done", "running", "stopped", "failed", "missing")


def record(sweep: Path, point: Point) -> Json:
    return read_json(sweep / point.directory / NAME) or {}


def state(sweep: Path, point: Point) -> str:
    """missing, running, stopped, failed or done: done with the same steps and all files."""
    found = record(sweep, point)
    if _settings(found.get("steps", [])) != _settings(point.steps):
        return "missing"
    there = all(path.is_file() for path in point.outputs(sweep))
    if found.get("state") == "done" and not there:
        return "missing"
    return str(found.get("state"))


def other_steps(sweep: Path, point: Point) -> str | None:
    """What differs, where the folder of this point was begun with other options or data."""
    begun, wanted = _settings(record(sweep, point).get("steps", [])), _settings(point.steps)
    for verb in begun.keys() & wanted.keys():  # a step more or less: what is done stays good
        old, new = begun[verb], wanted[verb]
        for name in {**old, **new}:
            if old.get(name) != new.get(name):
                was, is_now = old.get(name, "not given"), new.get(name, "not given")
                return f"{name} was {was} and is {is_now}"
    return None


def _settings(steps: Sequence[Json]) -> dict[str, dict[str, str]]:
    """The options of each verb; in which order they were given is all the same."""
    pairs = {step["verb"]: step["arguments"] for step in steps}
    return {verb: dict(zip(words[::2], words[1::2])) for verb, words in pairs.items()}


def summary(sweep: Path, points: Sequence[Point]) -> list[str]:
    """One line for each state, and one for each point that failed."""
    states = {point.name: state(sweep, point) for point in points}
    lines = [f"{name:8} {n}" for name in STATES if (n := list(states.values()).count(name))]
    failed = [point for point in points if states[point.name] == "failed"]
    return [*lines, *(failure(sweep, point) for point in failed)]


def failure(sweep: Path, point: Point) -> str:
    found = record(sweep, point)
    words = found.get("reason") or f"status {found.get('exit')}"
    log = sweep / point.directory / "log.txt"
    return f"failed: {point.name}: {found.get('step')}: {words} ({log})"
