"""Claims a and b: information at the output, accuracy, and what sparse coding does to the first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .found import Found, read_information, read_trained
from .rank import correlate
from .rows import Row

LEARNED = "learned"
ENOUGH = 0.85  # rho that is aimed at, overall
FEWEST = 3  # structures for a correlation


@dataclass(frozen=True)
class Point:
    kind: str
    atoms: int
    bits: float
    entropy_bits: float
    accuracy: float  # nan: not known yet


def points(found: Found, data: str) -> list[Point]:
    trained = {
        (step.about["kind"], step.about["atoms"]): read_trained(path).accuracy
        for step, path in found.those(claim="a", data=data, makes="net")
    }
    result = []
    for step, path in found.those(claim="a", data=data, makes="run"):
        kind, atoms = step.about["kind"], step.about["atoms"]
        information = read_information(path)
        bits, entropy = float(information.bits[-1]), float(information.entropy_bits[-1])
        result.append(Point(kind, atoms, bits, entropy, trained.get((kind, atoms), np.nan)))
    return result


def rows_a(data: str, found: list[Point]) -> list[Row]:
    """Spearman's rho of bits and accuracy, over all structures and within each width."""
    known = [point for point in found if np.isfinite(point.accuracy)]
    rows = [_row(data, "ρ(bits, accuracy), all widths", known, "bits", f"at least {ENOUGH}")]
    rows += [
        _row(data, f"ρ(bits, accuracy), {atoms} atoms", [p for p in known if p.atoms == atoms])
        for atoms in widths(known)
    ]
    rows.append(_row(data, "ρ(noise-floor entropy, accuracy), all widths", known, "entropy_bits"))
    return [row for row in rows if row is not None]


def widths(found: list[Point]) -> list[int]:
    return sorted({point.atoms for point in found})


def _row(
    data: str, what: str, known: list[Point], measure: str = "bits", aim: str = ""
) -> Row | None:
    if len(known) < FEWEST:
        return None
    x = np.array([getattr(point, measure) for point in known])
    if not np.isfinite(x).all():
        return None
    found = correlate(x, np.array([point.accuracy for point in known]))
    met = bool(found.rho >= ENOUGH) if aim else None
    return Row("a", data, what, found.rho, found.low, found.high, found.count, "", aim, met)


def rows_b(data: str, found: list[Point]) -> list[Row]:
    """Bits of the learned structure beside the best that nothing was learned of, by width."""
    rows = []
    for atoms in widths(found):
        bits = {point.kind: point.bits for point in found if point.atoms == atoms}
        fixed = {kind: value for kind, value in bits.items() if not kind.startswith(LEARNED)}
        if LEARNED not in bits or not fixed:
            continue
        best = max(fixed, key=lambda kind: fixed[kind])
        aim = f"above {best}, {fixed[best]:.1f}, the best that is not learned"
        what, met = f"bits, learned, {atoms} atoms", bool(bits[LEARNED] > fixed[best])
        rows.append(Row("b", data, what, bits[LEARNED], unit="bit", aim=aim, met=met))
        course = [bits[kind] for kind in in_order(list(bits)) if kind.startswith(LEARNED)]
        if len(course) > 1 and "exemplars" in bits:
            course = [bits["exemplars"], *course]
            rising = all(low <= high for low, high in zip(course, course[1:]))
            what, aim = f"bits gained by learning, {atoms} atoms", "never falls while learning"
            gained = course[-1] - course[0]
            rows.append(Row("b", data, what, gained, unit="bit", aim=aim, met=rising))
    return rows


def batches(kind: str) -> float:
    """How far a structure was learned: learned-10 after 10 batches, learned to the end, else 0."""
    if kind == LEARNED:
        return np.inf
    last = kind.rpartition("-")[2]
    return float(last) if kind.startswith(LEARNED) and last.isdecimal() else 0.0


def in_order(kinds: list[str]) -> list[str]:
    """As they are met, the learned ones last and by how far."""
    return sorted(dict.fromkeys(kinds), key=batches)
