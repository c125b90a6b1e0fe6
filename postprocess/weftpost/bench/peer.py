"""The process that runs scikit-learn, with one thread and the BLAS kernel that Weft had."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py

from ..errors import UserError

PACKAGES = Path(__file__).resolve().parents[2]
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS")


class Peer:
    def __init__(self, problem: Path, samples: int | None, blas: str) -> None:
        have = check_problem(problem)
        if samples is not None and samples > have:
            raise UserError(f"{problem}: has {have} samples, but {samples} were coded")
        if not importlib.util.find_spec("sklearn"):
            raise UserError(
                "this Python has no scikit-learn (Debian: python3-sklearn, for /usr/bin/python3)"
            )
        worker = [sys.executable, "-m", "weftpost.bench.lasso"]
        command = [*worker, str(problem), str(samples or have)]
        self._process = subprocess.Popen(
            command,
            env=environment(blas),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        hello = self._read()
        self.samples: int = hello["samples"]
        self.blas: list[str] = hello["blas"]

    def __enter__(self) -> Peer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def solve(self, solver: str, tol: float, samples: int | None = None) -> dict[str, Any]:
        """cpu, mean_gap, max_gap, and rate in samples per CPU-second."""
        count = min(samples or self.samples, self.samples)
        found = self._ask({"solver": solver, "tol": tol, "samples": count})
        return {**found, "rate": count / max(found["cpu"], 1e-9)}

    def gemm(self) -> float:
        """Samples per CPU-second of X D'."""
        return self.samples / max(self._ask({"solver": "GEMM"})["cpu"], 1e-9)

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # what it had to say about it is on stderr
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"scikit-learn's process ended with status {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer


def environment(blas: str) -> dict[str, str]:
    """BLAS reads it when it loads, so it has to stand before the process starts."""
    path = os.pathsep.join(filter(None, (str(PACKAGES), os.environ.get("PYTHONPATH"))))
    settings = {**os.environ, **dict.fromkeys(THREADS, "1"), "PYTHONPATH": path}
    library, _, kernel = blas.partition(" ")
    if library == "OpenBLAS" and kernel:
        settings["OPENBLAS_CORETYPE"] = kernel
    return settings


def check_problem(path: Path) -> int:
    """How many samples the file has, where it has all that is needed."""
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    if not h5py.is_hdf5(path):
        raise UserError(f"{path}: not an HDF5 file")
    with h5py.File(path, "r") as file:
        for name in ("X", "D", "lambda_L", "pstar_L"):
            if name not in file:
                raise UserError(f"{path}: no /{name}: not a problem file")
        x, atoms, best = (file[name].shape for name in ("X", "D", "pstar_L"))
    if len(x) != 2 or len(atoms) != 2 or x[1] != atoms[1] or best != x[:1] or not x[0]:
        raise UserError(f"{path}: /X {x}, /D {atoms} and /pstar_L {best} do not fit")
    return int(x[0])
