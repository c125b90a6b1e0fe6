"""Claim e: where the depth rule stops, and where accuracy stops gaining."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .found import Found, read_information, read_trained
from .rows import Row, of_several

GAIN = 0.002  # of accuracy, that is worth a layer
MIN_GAIN = 0.01  # where no run file says the rule's
NEAR = 1  # layers that rule and accuracy may be apart


@dataclass(frozen=True)
class Depth:
    bits: np.ndarray  # [seeds, layers], cumulative
    min_gain: float
    accuracy: dict[int, list[float]]  # by number of layers, one for each seed

    def gains(self) -> np.ndarray:
        """[seeds, layers - 1]: bits(1..L) / bits(1..L-1) - 1."""
        return self.bits[:, 1:] / self.bits[:, :-1] - 1

    def rule_stops(self) -> list[int]:
        """Layers that the rule keeps, for each seed."""
        return [_stop(list(gains), self.min_gain) for gains in self.gains()]

    def accuracy_stops(self) -> int:
        """Layers after which the mean accuracy gains too little."""
        means = [float(np.mean(self.accuracy[depth])) for depth in sorted(self.accuracy)]
        return _stop(list(np.diff(means)), GAIN)


def _stop(gains: list[float], enough: float) -> int:
    """1 and as many more as gain enough, one after the other."""
    kept = 1
    for gain in gains:
        if not gain >= enough:
            break
        kept += 1
    return kept


def read_depth(found: Found, data: str) -> Depth | None:
    runs = [read_information(path) for _, path in found.those(claim="e", data=data, makes="run")]
    layers = min((len(run.bits) for run in runs), default=0)
    if layers < 2:
        return None
    accuracy: dict[int, list[float]] = {}
    for step, path in found.those(claim="e", data=data, makes="net"):
        accuracy.setdefault(step.about["depth"], []).append(read_trained(path).accuracy)
    bits = np.array([run.bits[:layers] for run in runs])
    return Depth(bits, _min_gain(found, data), accuracy)


def _min_gain(found: Found, data: str) -> float:
    """The rule's own: of runs that were left to it, as those of this claim keep every layer."""
    for step, path in found.those(claim="f", data=data, makes="run"):
        if "shared" in step.about:
            continue
        gain = read_information(path).min_gain
        if gain is not None:
            return gain
    return MIN_GAIN


def rows_e(data: str, depth: Depth) -> list[Row]:
    rows = []
    for layer, gains in enumerate(depth.gains().T, 2):
        what = f"information gained by layer {layer}"
        rows.append(of_several("e", data, what, list(100 * gains), "%"))
    for layers, values in sorted(depth.accuracy.items()):
        what = f"accuracy, {layers} layer{'s' if layers > 1 else ''}"
        rows.append(of_several("e", data, what, [100 * v for v in values], "%"))
    stops = depth.rule_stops()
    met, aim = None, ""
    if depth.accuracy:
        best = depth.accuracy_stops()
        rows.append(Row("e", data, "layers at which accuracy stops gaining 0.2 points", best))
        met, aim = all(abs(s - best) <= NEAR for s in stops), f"within {NEAR} of accuracy's"
    what = f"layers that the rule keeps (gain {100 * depth.min_gain:g} %)"
    rows.append(of_several("e", data, what, [float(s) for s in stops], aim=aim, met=met))
    return rows
