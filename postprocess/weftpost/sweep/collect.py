"""What became of each point of a sweep. One whose files are bad has failed, and sinks no other."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError
from ..metrics import METRICS, RUN, Measured, read_metrics
from .manifest import Manifest, Planned, read_manifest

DONE, FAILED, STOPPED, RUNNING, MISSING = "done", "failed", "stopped", "running", "missing"
STATES = (DONE, FAILED, STOPPED, RUNNING, MISSING)
OF_TRAINING = ("test_accuracy", "weights", "train_seconds")  # which a network file tells


@dataclass(frozen=True)
class Point:
    name: str
    directory: Path
    state: str  # one of STATES
    reason: str  # why it failed, else empty
    values: dict[str, str]  # of the varied options, as text
    metrics: dict[str, float]  # every one of METRICS; NaN: not known
    files: tuple[Path, ...]  # those of its outputs that can be read


@dataclass(frozen=True)
class Sweep:
    directory: Path
    data: str
    created: str
    varied: tuple[str, ...]
    points: tuple[Point, ...]

    def finished(self) -> list[Point]:
        """The points that are done: only these are ranked and drawn."""
        return [point for point in self.points if point.state == DONE]

    def known(self, metric: str) -> list[Point]:
        """The finished points of which this metric is known."""
        return [point for point in self.finished() if math.isfinite(point.metrics[metric])]

    def counts(self) -> dict[str, int]:
        states = [point.state for point in self.points]
        return {state: states.count(state) for state in STATES}

    def column(self, metric: str) -> np.ndarray:
        """One entry for every point."""
        return np.array([point.metrics[metric] for point in self.points])


def read_sweep(directory: Path) -> Sweep:
    manifest = read_manifest(directory)
    points = tuple(_point(planned) for planned in manifest.points)
    return _sweep(manifest, points)


def _sweep(manifest: Manifest, points: tuple[Point, ...]) -> Sweep:
    return Sweep(manifest.directory, manifest.data, manifest.created, manifest.varied, points)


def _point(planned: Planned) -> Point:
    found, troubles = _read_outputs(planned)
    state, reason = _state(planned, found, troubles)
    return Point(
        name=planned.name,
        directory=planned.directory,
        state=state,
        reason=reason,
        values=planned.values,
        metrics=_metrics(found),
        files=tuple(measured.path for measured in found),
    )


def _read_outputs(planned: Planned) -> tuple[list[Measured], list[str]]:
    """Of the outputs that are there: what they tell, or what is wrong with them."""
    found, troubles = [], []
    for step in planned.steps:
        path = planned.directory / step.output
        try:
            if path.exists():
                found.append(read_metrics(path))
        except UserError as error:
            troubles.append(str(error).replace(str(path), step.output))
    return found, troubles


def _state(planned: Planned, found: list[Measured], troubles: list[str]) -> tuple[str, str]:
    """The status file says how far a point came; its files decide whether it is done."""
    status, trouble = _read_status(planned.directory / "status.json")
    told, reason = (_printable(str(status.get(key) or "")) for key in ("state", "reason"))
    if troubles or trouble:
        return FAILED, reason or "; ".join([*troubles, trouble] if trouble else troubles)
    if told == FAILED:
        return FAILED, reason or f"exit status {status.get('exit', 'unknown')}, no reason given"
    if len(found) == len(planned.steps):
        return (DONE if all(measured.complete for measured in found) else _unfinished(told)), ""
    if told == DONE:
        here = {measured.path for measured in found}
        lost = [s.output for s in planned.steps if planned.directory / s.output not in here]
        return FAILED, f"{', '.join(lost)}: no such file, though its status is done"
    if told not in ("", *STATES):
        return FAILED, f"status.json: unknown state '{told}'"
    return (_unfinished(told) if found or told else MISSING), ""


def _printable(text: str) -> str:
    """A log may end in anything: zero bytes and escapes are in no table and on no page."""
    return "".join(c if c.isprintable() else " " for c in text).strip()


def _unfinished(told: str) -> str:
    return RUNNING if told == RUNNING else STOPPED


def _read_status(path: Path) -> tuple[dict[str, Any], str]:
    """What it says, and what is wrong with it. A missing one is empty: not started."""
    try:
        status = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}, ""
    except (OSError, ValueError) as error:
        return {}, f"{path.name}: cannot be read ({error})"
    return (status, "") if isinstance(status, dict) else ({}, f"{path.name}: not a JSON object")


def _metrics(found: list[Measured]) -> dict[str, float]:
    values = dict.fromkeys(METRICS, math.nan)
    for measured in found:
        for name, value in measured.values.items():
            if (name in values) and (name in OF_TRAINING) == (measured.kind != RUN):
                values[name] = value
    return values
