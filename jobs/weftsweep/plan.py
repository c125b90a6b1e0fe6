"""From a grid to points with their steps, and to those that are still to run in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import status
from .errors import SweepError, one_line
from .files import Json, read_json
from .grid import Grid, Values
from .manifest import NAME, OUTPUTS, Point, make_point


@dataclass(frozen=True)
class Plan:
    sweep: Path
    grid: Grid
    data: str
    points: Sequence[Point]

    @property
    def about(self) -> Json:
        return {
            "grid": self.grid.text,
            "grid_path": self.grid.path,
            "data": self.data,
            "varied": list(self.grid.axes),
        }

    def to_run(self) -> list[Point]:
        return [point for point in self.points if status.state(self.sweep, point) != "done"]


def make_plan(grid: Grid, data: Path, sweep: Path, most: int) -> Plan:
    path = str(data.resolve())
    varied = grid.points(most)
    points = [make_point(i, values, _steps(grid, values, path)) for i, values in enumerate(varied)]
    plan = Plan(sweep, grid, path, points)
    _refuse_others(plan)
    return plan


def _steps(grid: Grid, values: Values, data: str) -> list[Json]:
    texts = {**grid.fixed, **values}
    steps = []
    for verb in grid.verbs:
        arguments = ["-data", data]
        if verb == "train":
            arguments += ["-structure", OUTPUTS["learn"]]
        for option in grid.options:
            if option.verb == verb:
                arguments += [f"-{option.name}", texts[option.key]]
        steps.append({"verb": verb, "arguments": arguments, "output": OUTPUTS[verb]})
    return steps


def _refuse_others(plan: Plan) -> None:
    """What was made with other options is neither of this sweep nor to be written over."""
    if plan.sweep.exists() and not plan.sweep.is_dir():
        raise SweepError(f"-o {plan.sweep}: is not a folder; name another one")
    for point in plan.points:
        other = status.other_steps(plan.sweep, point)
        if other:
            where = f"{point.name} is there with other settings ({one_line(other)})"
            raise SweepError(f"-o {plan.sweep}: {where}; take another folder")


def dropped(plan: Plan) -> int:
    """Points of the manifest that is there which this grid does not have."""
    before = read_json(plan.sweep / NAME) or {}
    names = {point.name for point in plan.points}
    return sum(entry.get("name") not in names for entry in before.get("points", []))


def done_before_data(plan: Plan) -> int:
    """Points that are done with what the data file was before it was written anew."""
    written = Path(plan.data).stat().st_mtime
    done = (point for point in plan.points if status.state(plan.sweep, point) == "done")
    return sum(min(o.stat().st_mtime for o in p.outputs(plan.sweep)) < written for p in done)
