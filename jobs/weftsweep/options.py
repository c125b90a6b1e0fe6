"""What weft knows: the options of a verb, from `weft VERB -help -json`."""

from __future__ import annotations

import difflib
import json
import re
import subprocess
from dataclasses import dataclass
from typing import Any

from .errors import SweepError, command, one_line
from .numerals import is_whole

SECTIONS = {"learn": "weft learn", "train": "weft train"}
OWN = {"data", "o", "structure", "resume", "check", "help", "version", "json", "options_file"}
# Words of the help for whole numbers, where the default is whole, too. M, a real, has 0.
WHOLE_ARGUMENTS = {"K", "N", "P", "T", "L", "W", "E", "S"}
OF_LAYER = re.compile(r"layer\d+_(.+)", re.ASCII)
SECONDS = 60


@dataclass(frozen=True)
class Known:
    """An option as the help tells it."""

    name: str
    argument: str | None
    default: str | None
    per_layer: bool

    @property
    def whole(self) -> bool:
        """Takes whole numbers: ranges round to them."""
        return self.argument in WHOLE_ARGUMENTS and is_whole(self.default or "")


@dataclass(frozen=True)
class Verb:
    name: str
    options: dict[str, Known]

    def find(self, name: str) -> Known:
        """The option of a key in the grid, also layer1_weft_atoms; a mistake if there is none."""
        if name in OWN:
            ways = {"data": f"give it as {command()} GRID.yaml -data F.h5"}
            ways["options_file"] = "put its lines into the grid"
            way = ways.get(name, "leave it out")
            raise SweepError(f"{self.name}: {name}: the sweep sets it itself; {way}")
        known = self.options.get(name)
        of_layer = OF_LAYER.fullmatch(name)
        if known is None and of_layer:
            candidate = self.options.get(of_layer.group(1))
            known = candidate if candidate and candidate.per_layer else None
        if known is None:
            words = f"no option of weft {self.name}{self._nearest(name)}"
            raise SweepError(f"{self.name}: {one_line(name)}: {words}")
        return known

    def _nearest(self, name: str) -> str:
        near = difflib.get_close_matches(name, [n for n in self.options if n not in OWN], 1)
        return f"; did you mean {near[0]}?" if near else f" (weft {self.name} -help lists all)"


def read_verb(weft: str, name: str) -> Verb:
    command = [weft, name, "-help", "-json"]
    try:
        result = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SweepError(f"{weft}: cannot be run here ({error}); set WEFT to the program") from None
    try:
        if result.returncode:
            raise ValueError
        return Verb(name, {o.name: o for o in map(_known, json.loads(result.stdout)["options"])})
    except (ValueError, LookupError, TypeError, AttributeError):
        said = (result.stderr or result.stdout).decode(errors="replace").strip().splitlines()
        why = f"status {result.returncode}: {said[-1][:200] if said else 'no word'}"
        raise SweepError(f"{weft} {name} -help -json tells no options ({why})") from None


def _known(entry: dict[str, Any]) -> Known:
    name = str(entry["name"]).lstrip("-")
    return Known(name, entry["argument"], entry["default"], bool(entry.get("per_layer")))
