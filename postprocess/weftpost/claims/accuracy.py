"""Claim f: accuracy of the learned structure beside others."""

from __future__ import annotations

from dataclasses import dataclass

from .found import Found, read_trained
from .plan import CNN, PEER
from .rows import Row, of_several

LEARNED, SHARED = "learned", "learned, shared"
SAME = 0.2  # points that two trainers of one network may differ by, in the mean of the seeds
EXACT = 1e-4
CLOSE = 0.3  # points below the CNN that still count as comparable
NAMES = {PEER: "learned, trained in PyTorch", CNN: "CNN, in PyTorch"}


@dataclass(frozen=True)
class Bar:
    kind: str
    accuracies: list[float]  # in %, one for each seed
    weights: int | None
    logits_apart: list[float]  # of the same weights in two programs; for the peer alone

    @property
    def mean(self) -> float:
        return sum(self.accuracies) / len(self.accuracies)


def bars(found: Found, data: str) -> list[Bar]:
    """In the order of the plan."""
    seen: dict[str, list[float]] = {}
    weights: dict[str, int | None] = {}
    apart: dict[str, list[float]] = {}
    for step, path in found.those(claim="f", data=data, makes="net"):
        kind, trained = step.about["kind"], read_trained(path)
        seen.setdefault(kind, []).append(100 * trained.accuracy)
        if trained.logits_apart is not None:
            apart.setdefault(kind, []).append(trained.logits_apart)
        weights[kind] = max(trained.weights or 0, weights.get(kind) or 0) or None
    return [Bar(kind, found, weights[kind], apart.get(kind, [])) for kind, found in seen.items()]


def rows_f(data: str, found: list[Bar]) -> list[Row]:
    by_kind = {bar.kind: bar for bar in found}
    cnn, learned = by_kind.get(CNN), by_kind.get(LEARNED)
    rows = []
    for bar in found:
        aim, met = "", None
        if cnn and bar.kind in (LEARNED, SHARED):
            aim, met = f"within {CLOSE} of the CNN", bool(bar.mean >= cnn.mean - CLOSE)
        if learned and bar.kind == PEER:
            aim, met = f"within {SAME} of learned", bool(abs(bar.mean - learned.mean) <= SAME)
        what = f"accuracy, {NAMES.get(bar.kind, bar.kind)}"
        if bar.weights:
            what += f" ({bar.weights:,} weights)"
        rows.append(of_several("f", data, what, bar.accuracies, "%", aim=aim, met=met))
        if bar.logits_apart:
            what = "logits of learned, in PyTorch: largest difference over largest"
            met = max(bar.logits_apart) <= EXACT
            rows.append(of_several("f", data, what, bar.logits_apart, aim=f"at most {EXACT:g}", met=met))
    return rows
