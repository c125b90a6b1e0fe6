"""The manifest, DIR/sweep.json: the name of each point, and its steps as lists of arguments."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import SweepError, command
from .files import Json, now, read_json, write_json

NAME = "sweep.json"
SCHEMA = 1
OUTPUTS = {"learn": "run.h5", "train": "net.h5"}
MOST_NAME = 120
NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9.+_-]", re.ASCII)


@dataclass(frozen=True)
class Point:
    index: int
    name: str
    directory: str  # relative to that of the sweep
    values: dict[str, str]
    steps: tuple[Json, ...]

    def outputs(self, sweep: Path) -> list[Path]:
        return [sweep / self.directory / step["output"] for step in self.steps]


def short(key: str) -> str:
    return key.replace("weft_", "", 1)


def point_name(values: dict[str, str]) -> str:
    """Readable and safe as a folder. Where letters give way, a checksum keeps it unique."""
    plain = ",".join(f"{short(key)}={text}" for key, text in values.items())
    safe = ",".join(f"{short(key)}={NOT_IN_NAMES.sub('_', text)}" for key, text in values.items())
    if plain != safe or len(plain) > MOST_NAME:
        mark = hashlib.sha256(repr(sorted(values.items())).encode()).hexdigest()[:8]
        return f"{safe[:MOST_NAME]}~{mark}"
    return plain or "only"


def make_point(index: int, values: dict[str, str], steps: list[Json]) -> Point:
    name = point_name(values)
    return Point(index, name, f"points/{name}", values, tuple(steps))


def read_points(sweep: Path) -> list[Point]:
    found = read_json(sweep / NAME)
    try:
        if found is None or found["weft_sweep"] != SCHEMA:
            raise ValueError
        return [_point(index, entry) for index, entry in enumerate(found["points"])]
    except (LookupError, TypeError, ValueError):
        words = f"{command()} GRID.yaml -data F.h5 -o {sweep} makes one"
        raise SweepError(f"{sweep}: no sweep; {words}") from None


def _point(index: int, entry: Json) -> Point:
    steps = tuple(entry["steps"])
    return Point(index, entry["name"], entry["directory"], entry["values"], steps)


def write_manifest(sweep: Path, about: dict[str, Any], points: list[Point]) -> None:
    """`about`: grid, grid_path, data, varied."""
    before = read_json(sweep / NAME) or {}
    head = {"weft_sweep": SCHEMA, "created": before.get("created") or now(), **about}
    write_json(sweep / NAME, {**head, "points": [_entry(point) for point in points]})


def _entry(point: Point) -> Json:
    return {
        "name": point.name,
        "directory": point.directory,
        "values": point.values,
        "steps": list(point.steps),
    }
