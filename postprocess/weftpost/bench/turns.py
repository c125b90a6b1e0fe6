"""Weft and scikit-learn in turn, so that both meet the same machine."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

from ..errors import UserError
from .peer import Peer, environment
from .result import WORST, Bench, Rate, read_bench

STEPS = 8  # tolerances to a decade
LAST = 8 * STEPS  # 1e-8: past what single precision tells
SEARCHED = 1000  # samples that a tolerance is looked for with
EXACT = "lasso_lars"
EXACT_SAMPLES = 200  # it is slow
ROUNDING = 1e-6  # so much a gap may be below zero

Say = Callable[[str], None]


@dataclass
class Entry:
    """A solver of scikit-learn at a target: the tolerance that reaches it, and what it took."""

    target: float
    solver: str
    step: int  # tolerance 10^(-step / STEPS)
    samples: int
    mean_gap: float = 0.0
    max_gap: float = 0.0
    reached: bool = True
    rates: list[float] = field(default_factory=list)

    @property
    def tol(self) -> float:
        return 10.0 ** (-self.step / STEPS)

    @property
    def name(self) -> str:
        exact = self.solver == EXACT
        setting = f"exact, {self.samples} samples" if exact else f"tol {self.tol:.2g}"
        return f"scikit-learn {self.solver} ({setting})"

    def as_rate(self) -> Rate:
        rates = tuple(self.rates) if self.reached else ()
        return Rate("L", self.target, self.name, self.mean_gap, self.max_gap, rates)


@dataclass
class Comparison:
    bench: Bench
    rates: list[Rate]
    in_turn: bool  # was Weft measured again, between the turns of scikit-learn?
    peer_gemm: float  # samples per CPU-second of X D' in the process of scikit-learn
    peer_blas: list[str]


def compare(
    bench: Bench, problem: Path, weft: Path | None, repeats: int, say: Say = lambda words: None
) -> Comparison:
    """weft: the program, to measure it again in turn; None: the figures of bench stand."""
    own: list[Bench] = []
    gemm: list[float] = []
    with Peer(problem, bench.samples, bench.blas) as peer:
        entries = _entries(peer, bench.targets("L"), say)
        for turn in range(repeats):
            say(f"turn {turn + 1} of {repeats}")
            if weft:
                own += [_run_weft(weft, problem, bench, *coder) for coder in bench.coders()]
            gemm.append(peer.gemm())
            for entry in entries:
                found = peer.solve(entry.solver, entry.tol, entry.samples)
                entry.rates.append(found["rate"])
        blas = peer.blas
    rates = (_medians(own) if own else bench.rates()) + [entry.as_rate() for entry in entries]
    if own:
        bench = replace(own[0], gemm=median(each.gemm for each in own))
    return Comparison(bench, rates, bool(own), median(gemm), blas)


def _entries(peer: Peer, targets: list[float], say: Say) -> list[Entry]:
    entries = []
    for target in targets:
        say(f"looking for the tolerance that reaches {target:.0e}")
        step = _search(lambda step: _reaches(peer, Entry(target, "Lasso", step, SEARCHED)))
        entry = Entry(target, _faster(peer, step), step, peer.samples)
        entry.reached = _reaches(peer, entry)
        while not entry.reached and entry.step < LAST:  # all samples may want more than some
            entry.step += 1
            entry.reached = _reaches(peer, entry)
        entries.append(entry)
    for target in targets:
        entry = Entry(target, EXACT, LAST, min(EXACT_SAMPLES, peer.samples))
        entry.reached = _reaches(peer, entry)
        entries.append(entry)
    return entries


def _search(reaches: Callable[[int], bool]) -> int:
    """The loosest step that does; LAST where none may."""
    low, high = 0, LAST
    while low < high:
        middle = (low + high) // 2
        if reaches(middle):
            high = middle
        else:
            low = middle + 1
    return low


def _reaches(peer: Peer, entry: Entry) -> bool:
    found = peer.solve(entry.solver, entry.tol, entry.samples)
    entry.mean_gap, entry.max_gap = found["mean_gap"], found["max_gap"]
    if not entry.mean_gap >= -ROUNDING:
        raise UserError("pstar_L is above objectives that were found: not the optimum")
    return entry.mean_gap <= entry.target and entry.max_gap <= WORST * entry.target


def _faster(peer: Peer, step: int) -> str:
    """The form of coordinate descent, with or without the Gram matrix, is chosen in its favour."""
    forms = ("Lasso", "Lasso with Gram")
    tol = Entry(0, forms[0], step, 0).tol
    return max(forms, key=lambda form: peer.solve(form, tol, SEARCHED)["rate"])


def _run_weft(weft: Path, problem: Path, bench: Bench, coder: str, precision: str) -> Bench:
    gaps = sorted({e["target_gap"] for e in bench.results}, reverse=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "coder.json"
        command = [str(weft), "bench", "coder", "-problem", str(problem), "-json", str(path)]
        command += ["-repeats", "1", "-weft_coder_type", coder, "-weft_precision", precision]
        command += ["-gaps", ",".join(f"{gap:g}" for gap in gaps)]
        if bench.samples is not None:
            command += ["-samples", str(bench.samples)]
        try:
            done = subprocess.run(
                command, env=environment(bench.blas), check=False, capture_output=True, text=True
            )
        except OSError as error:
            raise UserError(f"{weft}: {error.strerror or error}") from error
        if done.returncode:
            words = (done.stderr.strip().splitlines() or ["no word"])[-1]
            raise UserError(f"{weft}: ended with status {done.returncode}: {words}")
        return read_bench(path)


def _medians(runs: list[Bench]) -> list[Rate]:
    """One row for each problem, target and solver; all that was measured of it together."""
    rows: dict[tuple[str, float, str], Rate] = {}
    for rate in (rate for run in runs for rate in run.rates()):
        key = (rate.problem, rate.target, rate.solver)
        kept = rows.get(key)
        # A run's own median and range are one number: it was told to measure once.
        rates = (*(kept.rates if kept else ()), rate.rates[0])
        rows[key] = Rate(*key, rate.mean_gap, rate.max_gap, rates)
    return list(rows.values())


def as_json(comparison: Comparison) -> str:
    bench = comparison.bench
    head = {
        "machine": bench.machine,
        "blas": bench.blas,
        "in_turn": comparison.in_turn,
        "gemm_samples_per_cpu_second": bench.gemm,
        "scikit_learn_blas": comparison.peer_blas,
        "scikit_learn_gemm_samples_per_cpu_second": comparison.peer_gemm,
    }
    return json.dumps({**head, "results": [_row(rate) for rate in comparison.rates]}, indent=2)


def _row(rate: Rate) -> dict[str, Any]:
    return {
        "problem": rate.problem,
        "target_gap": rate.target,
        "solver": rate.solver,
        "mean_gap": rate.mean_gap,
        "max_gap": rate.max_gap,
        "samples_per_cpu_second": rate.rate,
        "samples_per_cpu_second_range": [min(rate.rates), max(rate.rates)] if rate.rates else None,
    }
