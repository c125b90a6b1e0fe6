"""Two networks over one another: how their training went."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from ..compare.compared import Compared
from ..runfile import open_file
from .compare import draw_curves, two_rows

CURVES = (
    ("test_accuracy", "test accuracy, %", 100.0),
    ("train_accuracy", "training accuracy, as trained, %", 100.0),
    ("rate", "learning rate", 1.0),
    ("test_loss", "test loss", 1.0),
    ("train_loss", "training loss, as trained", 1.0),
    ("seconds", "seconds of training", 1.0),
)


def draw(found: Compared) -> Figure:
    page, axes = two_rows(found, "Two networks")
    histories = [_history(own.path) for own in (found.a, found.b)]
    for panel, (name, title, factor) in zip(axes, CURVES):
        panel.set_title(title, loc="left", fontsize=11)
        pairs = [_curve(history, name, factor) for history in histories]
        draw_curves(panel, pairs, "epoch")
    return page.finish()


def _history(path: Path) -> dict[str, np.ndarray]:
    with open_file(path, "network file", "weft train") as file:
        group = file.get("/history", {})
        return {name: np.asarray(group[name][()], float) for name in group}


def _curve(
    history: dict[str, np.ndarray], name: str, factor: float
) -> tuple[np.ndarray, np.ndarray]:
    nothing = np.empty(0)
    epoch, values = (history.get(key, nothing) for key in ("epoch", name))
    return (epoch, factor * values) if len(epoch) == len(values) else (nothing, nothing)
