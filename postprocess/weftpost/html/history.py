"""The table behind a history: every few rows of it, so that the page can be read and printed."""

from __future__ import annotations

import numpy as np

from . import numbers
from .markup import Html, join
from .page import details, paragraphs
from .table import Column, table

MOST_ROWS = 24

TITLES = {
    "iteration": ("batch", numbers.count),
    "objective": ("objective J", numbers.plain),
    "reconstruction": ("reconstruction", numbers.plain),
    "active_fraction": ("active groups", numbers.percent),
    "connection_density": ("connections", numbers.percent),
    "max_gap": ("largest gap", numbers.gap),
    "mean_gap": ("mean gap", numbers.gap),
    "alive_groups": ("alive groups", numbers.count),
    "lambda": ("λ", numbers.plain),
    "epoch": ("epoch", numbers.count),
    "train_loss": ("training loss", numbers.plain),
    "train_accuracy": ("training accuracy", numbers.percent),
    "test_loss": ("test loss", numbers.plain),
    "test_accuracy": ("test accuracy", numbers.percent),
    "rate": ("learning rate", numbers.gap),
    "seconds": ("seconds", numbers.plain),
}


def data(columns: dict[str, np.ndarray], caption: str, where: str) -> Html:
    """Closed until a reader asks; where: the path of the whole in the file."""
    shown = [name for name in TITLES if name in columns]
    length = len(columns[shown[0]]) if shown else 0
    if not length:
        return Html()
    rows = thinned(length)
    note = f"All {length} rows are in the file under {where}." if len(rows) < length else ""
    heads = [Column(TITLES[name][0]) for name in shown]
    body = [[numbers.known(float(columns[n][i]), TITLES[n][1]) for n in shown] for i in rows]
    whole = join((table(caption, heads, body), paragraphs(note)))
    return details(f"{caption}, as a table", whole)


def thinned(length: int, most: int = MOST_ROWS) -> list[int]:
    """Evenly, with the first and the last."""
    return sorted({round(i) for i in np.linspace(0, length - 1, min(length, most))})
