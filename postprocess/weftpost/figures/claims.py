"""The pictures of the claims: information, learning, shifts, depth, accuracy."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..claims import information
from ..claims.accuracy import LEARNED, SHARED, Bar
from ..claims.depth import GAIN, Depth
from ..claims.information import Point
from ..claims.plan import CNN, PEER
from ..claims.rows import Row
from .panels import panels
from .style import BLUE, FAINT, GREEN, INK, ORANGE, VERMILION

KIND_COLORS = (FAINT, ORANGE, VERMILION, "#CC79A7", "#56B4E9", "#9ad9c0", "#3fb88c", GREEN)
MARKERS = ("o", "s", "^", "D", "v", "P")
LEGEND = 230  # pixels beside the panels
SHIFT_COLORS = {"single": ORANGE, "random pools": FAINT, "pooled": BLUE}


def draw_information(found: dict[str, list[Point]], rows: list[Row]) -> Figure:
    """Claim a: accuracy over bits; colour says the kind, the mark its width."""
    words = "Test accuracy of a softmax on the pooled responses, over the bits that a linear decoder gets back"
    page, axes = panels("Information and accuracy", words, list(found), 700, LEGEND)
    everything = [point for points in found.values() for point in points]
    kinds = information.in_order([point.kind for point in everything])
    widths = information.widths(everything)
    for panel, (name, points) in zip(axes, found.items()):
        for point in points:
            color, marker = _color(kinds, point.kind), _marker(widths, point.atoms)
            style = {"s": 70, "edgecolors": "white", "linewidths": 0.6}
            panel.scatter(point.bits, 100 * point.accuracy, c=color, marker=marker, **style)
        panel.set(xlabel="bits", ylabel="test accuracy, %")
        _note(panel, [row for row in rows if row.data == name and row.claim == "a"])
    if axes:
        handles = [_handle(_color(kinds, kind), "o", kind) for kind in kinds]
        handles += [_handle(INK, _marker(widths, w), f"{w} atoms") for w in widths]
        place = {"loc": "upper left", "bbox_to_anchor": (1.02, 1.0), "borderaxespad": 0}
        axes[-1].legend(handles=handles, **place)
    return page.finish()


def _color(kinds: list[str], kind: str) -> str:
    return KIND_COLORS[kinds.index(kind) % len(KIND_COLORS)]


def _marker(widths: list[int], atoms: int) -> str:
    return MARKERS[widths.index(atoms) % len(MARKERS)]


def _handle(color: str, marker: str, label: str) -> Line2D:
    return Line2D([], [], color=color, marker=marker, linestyle="", markersize=8, label=label)


def _note(panel: Axes, rows: list[Row]) -> None:
    overall = next((row for row in rows if row.what.startswith("ρ(bits")), None)
    if overall:
        words = f"ρ = {overall.value:.2f}  ({overall.low:.2f} to {overall.high:.2f})"
        panel.text(0.03, 0.95, words, transform=panel.transAxes, fontsize=13, va="top")


def draw_learning(found: dict[str, list[Point]]) -> Figure:
    """Claim b: bits by kind, a line for each width; the learned ones to the right, by how far."""
    words = "Bits of the pooled responses; a line for each number of atoms"
    page, axes = panels("Information of what is learned, and of what is not", words, list(found), 640)
    for panel, points in zip(axes, found.values()):
        kinds = information.in_order([point.kind for point in points])
        for number, atoms in enumerate(information.widths(points)):
            bits = {point.kind: point.bits for point in points if point.atoms == atoms}
            color = (FAINT, BLUE, VERMILION, GREEN)[number % 4]
            marker = MARKERS[number % len(MARKERS)]
            values = [bits.get(kind, np.nan) for kind in kinds]
            panel.plot(values, color=color, marker=marker, label=f"{atoms} atoms", linewidth=1.2)
        panel.set_xticks(range(len(kinds)), kinds, rotation=30, ha="right")
        panel.set_ylabel("bits")
        panel.set_ylim(bottom=min(0.0, 1.1 * min(point.bits for point in points)))
        panel.legend(loc="upper left")
    return page.finish()


def draw_shifts(rows: list[Row], names: list[str]) -> Figure:
    """Claim d: how much a response changes when the picture is moved."""
    words = "Median over units of the change of a response, over its deviation between pictures; bar: mean of the seeds, line: least to largest"
    page, axes = panels("Responses under shifts of the picture", words, names)
    for panel, name in zip(axes, names):
        own = [r for r in rows if r.data == name and r.claim == "d" and "shift" in r.what]
        for row in own:
            kind = row.what.rpartition(", ")[2]
            place = (2 if "2 pixels" in row.what else 1) + 0.26 * (list(SHIFT_COLORS).index(kind) - 1)
            label = kind if "1 pixel" in row.what else None
            panel.bar(place, row.value, 0.24, color=SHIFT_COLORS[kind], label=label)
            _whisker(panel, place, row.low, row.high, f"{row.value:.2f}")
        panel.set_xticks([1, 2], ["1 pixel", "2 pixels"])
        panel.set_ylabel("relative change")
        panel.grid(axis="x", visible=False)
        if own:
            panel.set_ylim(top=1.3 * max(row.high or row.value for row in own))
            panel.legend(loc="upper left", ncols=len(SHIFT_COLORS))
    return page.finish()


def _whisker(panel: Axes, x: float, low: float | None, high: float | None, words: str) -> None:
    if low is not None and high is not None:
        panel.vlines(x, low, high, color=INK, linewidth=1.4)
        style = {"xytext": (0, 4), "textcoords": "offset points", "ha": "center", "fontsize": 10}
        panel.annotate(words, (x, high), **style)


def draw_depth(found: dict[str, Depth]) -> Figure:
    """Claim e: bits and accuracy by number of layers; marks where each stops."""
    words = (
        "Cumulative bits (left scale) and test accuracy (right scale); dots: seeds; dashed: where the rule stops;"
        f" dotted: where accuracy gains less than {100 * GAIN:g} points"
    )
    page, axes = panels("Depth", words, list(found), right=90, between=190)  # two scales
    for panel, depth in zip(axes, found.values()):
        layers = np.arange(1, depth.bits.shape[1] + 1)
        panel.plot(layers, depth.bits.mean(axis=0), color=BLUE, marker="o", linewidth=1.6)
        panel.plot(layers, depth.bits.T, color=BLUE, marker=".", linestyle="", alpha=0.5)
        panel.set_xlabel("layers")
        panel.set_ylabel("bits", color=BLUE)
        panel.set_xticks(layers)
        panel.axvline(np.mean(depth.rule_stops()) - 0.02, color=BLUE, linestyle="--", linewidth=1.4)
        if depth.accuracy:
            _accuracies(panel, depth)
    return page.finish()


def _accuracies(panel: Axes, depth: Depth) -> None:
    twin = panel.twinx()
    depths = sorted(depth.accuracy)
    means = [100 * float(np.mean(depth.accuracy[d])) for d in depths]
    twin.plot(depths, means, color=VERMILION, marker="s", linewidth=1.6)
    for d in depths:
        values = 100 * np.array(depth.accuracy[d])
        twin.plot([d] * len(values), values, color=VERMILION, marker=".", linestyle="", alpha=0.5)
    twin.set_ylabel("test accuracy, %", color=VERMILION)
    twin.axvline(depth.accuracy_stops() + 0.02, color=VERMILION, linestyle=":", linewidth=1.8)


def draw_accuracy(found: dict[str, list[Bar]]) -> Figure:
    """Claim f: mean, least and largest of the seeds, with the numbers of weights."""
    words = "Test accuracy after the last epoch; bar: mean of the seeds, line: least to largest; scale does not begin at 0; below: weights"
    page, axes = panels("Accuracy", words, list(found), 680)
    colors = {LEARNED: GREEN, SHARED: GREEN, CNN: VERMILION}
    for panel, every in zip(axes, found.values()):
        bars = [bar for bar in every if bar.kind != PEER]
        for place, bar in enumerate(bars):
            panel.bar(place, bar.mean, 0.7, color=colors.get(bar.kind, "0.7"))
            low, high = min(bar.accuracies), max(bar.accuracies)
            _whisker(panel, place, low, high, f"{bar.mean:.2f}")
        names = [_label(bar) for bar in bars]
        panel.set_xticks(range(len(bars)), names, fontsize=9)
        values = [value for bar in bars for value in bar.accuracies]
        if values:
            room = max(max(values) - min(values), 0.5)
            panel.set_ylim(min(values) - 0.4 * room, min(max(values) + 0.2 * room, 100))
        panel.set_ylabel("test accuracy, %")
        panel.grid(axis="x", visible=False)
    return page.finish()


def _label(bar: Bar) -> str:
    words = bar.kind.replace("learned-random-weights", "learned,\nrandom\nweights")
    words = words.replace("random-mask", "random\nmask").replace(", shared", ",\nshared")
    if not bar.weights:
        return words
    return f"{words}\n{bar.weights / 1000:.0f} k"
