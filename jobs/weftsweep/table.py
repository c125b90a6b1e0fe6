"""What the driver prints: points and commands before, states after."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from . import status
from .manifest import Point, short


def point_table(sweep: Path, points: Sequence[Point]) -> list[str]:
    """One line for each point: its number, its state, its values."""
    varied = list(points[0].values)
    rows = [["point", "state", *map(short, varied)]]
    for point in points:
        texts = [point.values[key] for key in varied]
        rows.append([str(point.index), status.state(sweep, point), *map(shown, texts)])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    cells = ([word.ljust(width) for word, width in zip(row, widths)] for row in rows)
    return ["  ".join(row).rstrip() for row in cells]


def shown(text: str) -> str:
    """A value as it is, or quoted where it would not be seen for what it is."""
    return text if text.isprintable() and " " not in text else repr(text)


def commands(sweep: Path, points: Sequence[Point], words: Sequence[str]) -> list[str]:
    """What is run, as a shell would want it."""
    lines = []
    for point in points:
        lines.append(f"cd {shlex.quote(str(sweep / point.directory))}")
        for step in point.steps:
            command = [*words, step["verb"], *step["arguments"], "-o", step["output"], "-resume"]
            lines.append(f"  {shlex.join(command)}")
    return lines
