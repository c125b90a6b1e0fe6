"""scikit-learn on problem L, in a process of its own: python -m weftpost.bench.lasso F.h5 N.

Of its own, since BLAS takes its settings from the environment when it loads. Reads requests and
writes answers, one JSON object a line: {"solver", "tol", "samples"} gives {"cpu", "mean_gap",
"max_gap"}. Inside the clock stands what a user of scikit-learn has to run: one fit of all samples,
with the Gram matrix where it takes one.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import h5py
import numpy as np
from sklearn.decomposition import sparse_encode
from sklearn.linear_model import Lasso
from threadpoolctl import threadpool_info, threadpool_limits

MOST_ITERATIONS = 1000  # what single precision cannot reach would take for ever
PRODUCT_ROWS = 1000  # as in weft bench: into memory that is there already


class Problem:
    """The first n samples: X [n, d], D [k, d] (atoms are rows), lambda, optima [n]."""

    def __init__(self, path: str, n: int) -> None:
        with h5py.File(path, "r") as file:
            self.x = np.ascontiguousarray(file["X"][:n], dtype=np.float32)
            self.atoms = np.ascontiguousarray(file["D"][:], dtype=np.float32)
            self.penalty = float(file["lambda_L"][()])
            self.optimum = np.asarray(file["pstar_L"][:n], dtype=float)

    def gaps(self, rows: slice, codes: np.ndarray) -> tuple[float, float]:
        """Mean and worst, from X, D and the codes alone, in double."""
        fit = self.x[rows].astype(float) - codes.astype(float) @ self.atoms.astype(float)
        size = np.abs(codes.astype(float)).sum(axis=1)
        value = 0.5 * (fit**2).sum(axis=1) + self.penalty * size
        best = self.optimum[rows]
        excess = np.zeros_like(best)
        np.divide(value - best, best, out=excess, where=best > 0)
        excess[(best <= 0) & (value > best)] = np.inf
        return float((value.sum() - best.sum()) / best.sum()), float(excess.max())


def descent(problem: Problem, x: np.ndarray, tol: float, gram: bool) -> np.ndarray:
    """Lasso divides its sum of squares by its rows, here the d inputs: alpha = lambda / d."""
    options = {"fit_intercept": False, "copy_X": False, "max_iter": MOST_ITERATIONS}
    model = Lasso(alpha=problem.penalty / x.shape[1], precompute=gram, tol=tol, **options)
    return model.fit(problem.atoms.T, x.T).coef_.reshape(len(x), -1)


def homotopy(problem: Problem, x: np.ndarray, tol: float) -> np.ndarray:
    """Follows the path from zero to lambda, exactly: no tolerance."""
    options = {"algorithm": "lasso_lars", "alpha": problem.penalty, "max_iter": MOST_ITERATIONS}
    return sparse_encode(x, problem.atoms, **options)


SOLVERS: dict[str, Callable[[Problem, np.ndarray, float], np.ndarray]] = {
    "Lasso": lambda problem, x, tol: descent(problem, x, tol, gram=False),
    "Lasso with Gram": lambda problem, x, tol: descent(problem, x, tol, gram=True),
    "lasso_lars": homotopy,
}


def product(problem: Problem) -> float:
    """CPU-seconds of X D' in single precision: is this the BLAS kernel that Weft had?"""
    out = np.zeros((min(PRODUCT_ROWS, len(problem.x)), len(problem.atoms)), np.float32)
    start = time.process_time()
    for first in range(0, len(problem.x), PRODUCT_ROWS):
        part = problem.x[first : first + PRODUCT_ROWS]
        np.matmul(part, problem.atoms.T, out=out[: len(part)])
    return time.process_time() - start


def answer(problem: Problem, request: dict[str, Any]) -> dict[str, Any]:
    if request["solver"] == "GEMM":
        return {"cpu": product(problem)}
    rows = slice(0, request["samples"])
    x = problem.x[rows]
    start = time.process_time()
    codes = SOLVERS[request["solver"]](problem, x, request["tol"])
    cpu = time.process_time() - start
    mean_gap, max_gap = problem.gaps(rows, codes)
    return {"cpu": cpu, "mean_gap": mean_gap, "max_gap": max_gap}


def kernels() -> Iterator[str]:
    for library in threadpool_info():
        if library.get("user_api") == "blas":
            yield " ".join(filter(None, (library.get("prefix"), library.get("architecture"))))


def main(path: str, n: str) -> None:
    warnings.simplefilter("ignore")  # not converging shows in the gaps
    problem = Problem(path, int(n))
    with threadpool_limits(limits=1):
        product(problem)  # pages that are touched for the first time
        hello = {"samples": len(problem.x), "blas": sorted(set(kernels()))}
        print(json.dumps(hello), flush=True)
        for line in sys.stdin:
            print(json.dumps(answer(problem, json.loads(line))), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
