"""What `weft bench coder -json F` wrote, and how a rate is kept beside those of others."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from ..errors import UserError

WORST = 10  # a target is reached by a mean gap within it and a worst within so many times it


@dataclass(frozen=True)
class Rate:
    """One solver on one problem at one target gap."""

    problem: str
    target: float
    solver: str
    mean_gap: float  # (sum P - sum P*) / sum P*
    max_gap: float  # max (P_i - P*_i) / P*_i
    rates: tuple[float, ...]  # samples per CPU-second, each time; none: target not reached

    @property
    def rate(self) -> float | None:
        return median(self.rates) if self.rates else None


@dataclass(frozen=True)
class Bench:
    machine: str
    blas: str
    gemm: float  # samples per CPU-second of X D'
    samples: int | None  # None: all of the problem
    results: tuple[dict[str, Any], ...]  # as in the file

    def rates(self) -> list[Rate]:
        return [_rate(entry) for entry in self.results]

    def targets(self, problem: str) -> list[float]:
        """Largest first."""
        found = {e["target_gap"] for e in self.results if e["problem"] == problem}
        return sorted(found, reverse=True)

    def coders(self) -> list[tuple[str, str]]:
        """Each coder and precision, as they come."""
        return list(dict.fromkeys((e["coder"], e["precision"]) for e in self.results))


TEXTS = ("problem", "coder", "precision")
NUMBERS = ("target_gap", "mean_gap", "max_gap", "samples_per_cpu_second")


def read_bench(path: Path) -> Bench:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from error
    except ValueError as error:
        raise UserError(f"{path}: not JSON") from error
    if not isinstance(content, dict) or not isinstance(content.get("results"), list):
        raise UserError(f"{path}: not what `weft bench coder -json {path.name}` writes")
    for entry in content["results"]:
        _check(path, entry)
    if not content["results"]:
        raise UserError(f"{path}: no results")
    samples = content.get("samples")
    return Bench(
        machine=str(content.get("machine", "unknown")),
        blas=str(content.get("blas", "")),
        gemm=_yardstick(path, content),
        samples=samples if isinstance(samples, int) else None,
        results=tuple(content["results"]),
    )


def _yardstick(path: Path, content: dict[str, Any]) -> float:
    """Of one thread, CPU-seconds and seconds are the same but for what else the machine does."""
    wall = content.get("gemm_samples_per_second")
    value = content.get("gemm_samples_per_cpu_second", wall)
    if not _is_number(value) or value <= 0:
        raise UserError(f"{path}: gemm_samples_per_second is missing or wrong")
    return float(value)


def _check(path: Path, entry: Any) -> None:
    for name in TEXTS + NUMBERS:
        value = entry.get(name) if isinstance(entry, dict) else None
        if not (isinstance(value, str) if name in TEXTS else _is_number(value)):
            raise UserError(f"{path}: a result's {name} is missing or wrong")


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return math.isfinite(value)


def _rate(entry: dict[str, Any]) -> Rate:
    """Median and range are all that the file tells: as three numbers they are themselves."""
    middle = float(entry["samples_per_cpu_second"])
    low_high = entry.get("samples_per_cpu_second_range")
    ends = low_high if isinstance(low_high, list) and len(low_high) == 2 else []
    return Rate(
        problem=entry["problem"],
        target=float(entry["target_gap"]),
        solver=f"Weft {entry['coder']}, {entry['precision']}",
        mean_gap=float(entry["mean_gap"]),
        max_gap=float(entry["max_gap"]),
        rates=(middle, *(float(end) for end in ends)),
    )
