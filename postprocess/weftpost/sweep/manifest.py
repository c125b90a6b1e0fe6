"""Reads the manifest of a sweep: which points there are, what each varies and is to write."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UserError

MANIFEST = "sweep.json"
KNOWN = 1  # the form of manifest that is read


@dataclass(frozen=True)
class Step:
    verb: str
    output: str  # below the point's directory


@dataclass(frozen=True)
class Planned:
    """A point as the manifest has it."""

    name: str
    directory: Path
    values: dict[str, str]  # of the varied options, as text
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Manifest:
    directory: Path
    data: str
    created: str
    varied: tuple[str, ...]  # options, without the dash
    points: tuple[Planned, ...]


def read_manifest(directory: Path) -> Manifest:
    path = directory / MANIFEST
    found = _read_json(path)
    if found.get("weft_sweep") != KNOWN:
        raise UserError(f"{path}: weft_sweep is {found.get('weft_sweep')}, and {KNOWN} can be read")
    try:
        points = tuple(_planned(directory, point) for point in found["points"])
        varied = tuple(str(name) for name in found["varied"])
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: not as jobs/sweep.sh writes it ({error!r})") from error
    if not points:
        raise UserError(f"{path}: no points")
    data, created = (str(found.get(name, "")) for name in ("data", "created"))
    return Manifest(directory, data, created, varied, points)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file; give the directory of a sweep") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error
    except ValueError as error:
        raise UserError(f"{path}: damaged: not JSON ({error})") from error
    if not isinstance(found, dict):
        raise UserError(f"{path}: damaged: not a JSON object")
    return found


def _planned(directory: Path, point: dict[str, Any]) -> Planned:
    steps = tuple(Step(str(step["verb"]), str(step["output"])) for step in point["steps"])
    values = {str(name): str(value) for name, value in point["values"].items()}
    return Planned(str(point["name"]), directory / str(point["directory"]), values, steps)
