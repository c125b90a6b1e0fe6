"""The comparison as a table: aligned text for a terminal, Markdown for a page."""

from __future__ import annotations

from .result import WORST, Rate
from .turns import EXACT, Comparison

TITLES = (
    "problem",
    "target gap",
    "solver",
    "mean gap",
    "worst gap",
    "samples per CPU-second",
    "range",
    "of GEMM",
)
LEFT = 3  # columns that are words


def rows(comparison: Comparison) -> list[tuple[str, ...]]:
    """By problem as the file has them, then target, then the order of measurement."""
    rates = comparison.rates
    problems = list(dict.fromkeys(rate.problem for rate in rates))
    ordered = sorted(rates, key=lambda rate: (problems.index(rate.problem), -rate.target))
    return [_row(rate, comparison.bench.gemm) for rate in ordered]


def _row(rate: Rate, gemm: float) -> tuple[str, ...]:
    figures = ("not reached", "", "")
    if rate.rate is not None:
        spread = f"{min(rate.rates):,.0f} to {max(rate.rates):,.0f}"
        figures = (f"{rate.rate:,.0f}", spread, f"{rate.rate / gemm:.4f}")
    gaps = (f"{rate.mean_gap:.1e}", f"{rate.max_gap:.1e}")
    return (rate.problem, f"{rate.target:.0e}", rate.solver, *gaps, *figures)


def notes(comparison: Comparison) -> list[str]:
    bench = comparison.bench
    when = "in turn" if comparison.in_turn else "Weft's figures as measured before"
    blas = ", ".join(comparison.peer_blas)
    lines = [
        f"{bench.machine}; BLAS {bench.blas}; scikit-learn with one thread; {when};"
        " median and range.",
        f"GEMM, X D' in single precision: {bench.gemm:,.0f} samples per CPU-second (in"
        f" scikit-learn's process {comparison.peer_gemm:,.0f}, {blas}).",
        f"Reached: mean gap within the target and worst within {WORST} times it, to known optima."
        " Weft certifies each sample to that worst gap; scikit-learn's tolerance is the"
        " loosest that reaches it, in single precision, alpha = lambda / inputs, with or without"
        " the Gram matrix, whichever is faster.",
    ]
    if any(rate.problem != "L" for rate in comparison.rates):
        lines.append("scikit-learn has no group-sparse solver: no figures of it but on problem L.")
    if any(EXACT in rate.solver for rate in comparison.rates):
        lines.append(f"{EXACT} is exact and has no tolerance.")
    if comparison.peer_gemm < 0.5 * bench.gemm:
        lines.append("Take care: scikit-learn's BLAS was less than half as fast as Weft's.")
    return lines


def as_text(comparison: Comparison) -> str:
    table = [TITLES, *rows(comparison)]
    widths = [max(len(row[i]) for row in table) for i in range(len(TITLES))]
    lines = [_aligned(row, widths) for row in table]
    return "\n".join([*lines, "", *notes(comparison)])


def _aligned(row: tuple[str, ...], widths: list[int]) -> str:
    """Words to the left, figures to the right."""
    pairs = list(zip(row, widths))
    cells = [f"{cell:<{width}}" for cell, width in pairs[:LEFT]]
    return "  ".join(cells + [f"{cell:>{width}}" for cell, width in pairs[LEFT:]]).rstrip()


def as_markdown(comparison: Comparison) -> str:
    head = [TITLES, tuple("---" if i < LEFT else "---:" for i in range(len(TITLES)))]
    lines = ["| " + " | ".join(row) + " |" for row in [*head, *rows(comparison)]]
    return "\n".join([*lines, "", *notes(comparison), ""])
