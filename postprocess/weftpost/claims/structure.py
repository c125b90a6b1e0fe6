"""Claims c and d: local connections, and pools whose response stays where a picture shifts."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..measure import envelope_cosines, measure
from ..peer.data import TEST, read_data
from ..runfile import read_run
from .found import FirstLayer, Found, read_first_layer
from .rows import Row, of_several

PICTURES = 1000
SHIFTS = (1, 2)
DIRECTIONS = ((0, 1), (0, -1), (1, 0), (-1, 0))


def rows_c(found: Found, data: str) -> list[Row]:
    runs = [path for _, path in _runs(found, data)]
    if not runs:
        return []
    figures = [measure(read_run(path)) for path in runs]
    aims = {
        "connection_density": ("connections, of all inputs", "", None),
        "spread": ("spread of an atom", "", None),
        "spread_shuffled": ("the same, its numbers shuffled", "", None),
        "locality": ("spread over shuffled", "below 0.5", 0.5),
    }
    rows = []
    for name, (what, aim, most) in aims.items():
        values = [float(figure[name]) for figure in figures]
        unit = figures[0]["spread_unit"] if name.startswith("spread") else ""
        met = None if most is None else max(values) < most
        rows.append(of_several("c", data, what, values, unit, aim=aim, met=met))
    return rows


def rows_d(found: Found, data: str) -> list[Row]:
    runs = _runs(found, data)
    if not runs:
        return []
    layers = [read_first_layer(path) for _, path in runs]
    rows = _similarity(data, [path for _, path in runs], layers)
    if layers[0].picture is None:
        return rows
    x = read_data(Path(runs[0][0])).x[TEST][:PICTURES].astype(float)
    changes = [changes_of(layer, x) for layer in layers]
    for shift in SHIFTS:
        found_here = [change[shift] for change in changes]
        rows += _shift_rows(data, shift, found_here, len(x))
    return rows


def _runs(found: Found, data: str) -> list[tuple[str, Path]]:
    """The data file and the run file of each seed."""
    steps = found.those(claim="f", data=data, makes="run")
    return [(step.needs[0], path) for step, path in steps if "shared" not in step.about]


def _similarity(data: str, paths: list[Path], layers: list[FirstLayer]) -> list[Row]:
    """Envelopes say place and size; the atoms themselves would say phase too."""
    pairs = []
    for layer in layers:
        atoms = layer.atoms[:, np.repeat(layer.alive, layer.group_size)]
        pairs.append(envelope_cosines(atoms, layer.group_size))
    within, between = ([pair[i] for pair in pairs] for i in (0, 1))
    met = all(inside > outside for inside, outside in pairs)
    what = "likeness of places (cosine of envelopes)"
    rows = [
        of_several("d", data, f"{what}, within groups", within, aim="above between", met=met),
        of_several("d", data, f"{what}, between groups", between),
    ]
    copies = [float(measure(read_run(path))["copies"]) for path in paths]
    rows.append(of_several("d", data, "pairs of a group that are one atom twice", copies))
    return rows


def _shift_rows(data: str, shift: int, found: list[dict[str, float]], pictures: int) -> list[Row]:
    pixels = f"{shift} pixel{'s' if shift > 1 else ''}"
    rows = []
    for kind in ("single", "random pools", "pooled"):
        values = [change[kind] for change in found]
        aim, met = "", None
        if kind == "pooled":
            aim = "below single units and random pools"
            met = all(change["pooled"] <= min(change.values()) for change in found)
        what = f"change under a shift of {pixels}, over deviation, {kind}"
        rows.append(of_several("d", data, what, values, aim=aim, met=met))
    return rows


def changes_of(layer: FirstLayer, x: np.ndarray, seed: int = 0) -> dict[int, dict[str, float]]:
    """By shift and kind of unit, the median over units of the RMS change of a response under a shift,
    over the response's deviation between pictures, so that a response that is large but always the
    same does not look invariant. Single units answer |d'x|, pools ‖D_g'x‖, random pools the same over
    groups drawn at random from the same atoms: what the learned groups add to pooling as such."""
    p = layer.group_size
    atoms = layer.atoms[:, np.repeat(layer.alive, p)]
    drawn = np.random.default_rng(seed).permutation(atoms.shape[1])
    before = _responses(layer.whiten(x), atoms, drawn, p)
    deviations = {kind: r.std(axis=0) for kind, r in before.items()}
    result = {}
    for shift in SHIFTS:
        squares = {kind: np.zeros(r.shape[1]) for kind, r in before.items()}
        for row, column in DIRECTIONS:
            moved = layer.whiten(shifted(layer, x, shift * row, shift * column))
            for kind, after in _responses(moved, atoms, drawn, p).items():
                squares[kind] += ((after - before[kind]) ** 2).mean(axis=0) / len(DIRECTIONS)
        result[shift] = {
            kind: float(np.median(np.sqrt(squares[kind])[d > 0] / d[d > 0]))
            for kind, d in deviations.items()
        }
    return result


def _responses(x: np.ndarray, atoms: np.ndarray, drawn: np.ndarray, p: int) -> dict[str, np.ndarray]:
    h = x @ atoms
    pools = {"random pools": h[:, drawn], "pooled": h}
    norms = {k: np.sqrt((v.reshape(len(x), -1, p) ** 2).sum(axis=2)) for k, v in pools.items()}
    return {"single": np.abs(h), **norms}


def shifted(layer: FirstLayer, x: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Pictures moved by so many pixels; what comes in is the edge once more."""
    picture = layer.picture
    assert picture is not None
    down = np.clip(np.arange(picture.height) - rows, 0, picture.height - 1)
    across = np.clip(np.arange(picture.width) - columns, 0, picture.width - 1)
    places = picture.unfold(np.arange(x.shape[1]))  # [height, width, channels] of input numbers
    source = np.empty(x.shape[1], int)
    source[places.ravel()] = places[down][:, across].ravel()
    return x[:, source]
