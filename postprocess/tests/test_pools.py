"""Pools: planted phases and orientations are found; further layers are drawn by what feeds them."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from matplotlib.image import imread
from synthetic import bump_groups, connectivity_of, gabor_groups, interleaved, write_run
from test_runfile import refusal

from weftpost.__main__ import main
from weftpost.figures import pools as pools_figure
from weftpost.figures.pools_deep import combined, feeding_overlaps, shares
from weftpost.figures.style import WIDTH
from weftpost.geometry import Picture
from weftpost.pools import between_pairs, orientations, phases, relate, spectrum, within_pairs
from weftpost.runfile import Layer, read_run

SIDE = 21  # odd: columns of the spectrum are counted otherwise than for an even one


def grating(angle: float, phase: float, side: int = SIDE) -> np.ndarray:
    """Both in degrees; the angle is that of the direction in which it varies, 0 along a row."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    along = x * np.cos(np.radians(angle)) + y * np.sin(np.radians(angle))
    plane = np.exp(-(x**2 + y**2) / 18) * np.cos(2 * np.pi * along / 5 + np.radians(phase))
    return np.asarray(plane / np.linalg.norm(plane)).ravel()


def layer_of(atoms: np.ndarray, p: int) -> Layer:
    groups = atoms.shape[1] // p
    return Layer(atoms, connectivity_of(atoms, p), np.ones(groups, bool), None)


def stack(*atoms: np.ndarray) -> np.ndarray:
    return np.stack(atoms, axis=1)


@pytest.mark.parametrize("side", [20, 21])
def test_planted_phases_are_measured(side: int) -> None:
    atoms = stack(*(grating(40, phase, side) for phase in (10, 55, 100, 190)))
    found = phases(atoms, Picture(side, side, 1))
    assert found % 360 == pytest.approx([0, 45, 90, 180], abs=1)


@pytest.mark.parametrize("side", [20, 21])
def test_planted_orientations_are_measured(side: int) -> None:
    angles = [-60, 0, 20, 80]
    atoms = stack(*(grating(angle, 30, side) for angle in angles))
    picture = Picture(side, side, 1)
    assert orientations(spectrum(atoms, picture), picture) == pytest.approx(angles, abs=1.5)


def test_a_mean_says_nothing_of_phase() -> None:
    atoms = stack(*(grating(40, phase) + 0.2 for phase in (0, 90)))
    assert phases(atoms, Picture(SIDE, SIDE, 1))[1] == pytest.approx(90, abs=1)


def test_colour_does_not_hide_phase() -> None:
    colours = np.array([1.0, -0.5, 0.2])
    atoms = stack(*(np.kron(colours, grating(40, phase)) for phase in (0, 90)))
    assert phases(atoms, Picture(SIDE, SIDE, 3))[1] == pytest.approx(90, abs=1)
    swapped = interleaved(atoms, 3)
    assert phases(swapped, Picture(SIDE, SIDE, 3, "interleaved"))[1] == pytest.approx(90, abs=1)


def test_relations_of_pairs() -> None:
    atoms = stack(grating(0, 0), grating(0, 90), grating(70, 0), -grating(70, 0))
    layer = layer_of(atoms, 2)
    pairs = within_pairs(layer)
    assert pairs.tolist() == [[0, 1], [2, 3]]
    found = relate(layer, Picture(SIDE, SIDE, 1), pairs)
    assert found.turn is not None and found.shift is not None
    assert found.turn == pytest.approx([0, 0], abs=0.1)
    assert found.shift == pytest.approx([90, 0], abs=1)  # but for the sign
    assert found.cosine == pytest.approx([0, 1], abs=0.05)
    assert found.envelope[0] < 0.8 and found.envelope[1] == pytest.approx(1)
    across = relate(layer, Picture(SIDE, SIDE, 1), np.array([[0, 2]]))
    assert across.turn is not None and across.turn == pytest.approx([70], abs=1.5)


def test_pairs_leave_out_what_is_not_there() -> None:
    atoms = gabor_groups((9, 9), 1, 5, 3)
    atoms[:, 3:6] = 0  # a removed group
    atoms[:, 7] = 0  # an atom of zeros
    layer = layer_of(atoms, 3)
    layer = Layer(atoms, layer.connectivity, np.arange(5) != 1, None)
    within, between = within_pairs(layer), between_pairs(layer)
    assert len(within) == 3 * 3 + 1
    for pairs in (within, between):
        assert not np.isin(pairs, [3, 4, 5, 7]).any()
    assert (between[:, 0] // 3 != between[:, 1] // 3).all()
    assert len(np.unique(between, axis=0)) == len(between) == (11 * 10) // 2 - len(within)
    assert (within[:, 0] // 3 == within[:, 1] // 3).all()


def test_atoms_are_shown_by_phase() -> None:
    atoms = stack(*(grating(40, phase) for phase in (0, 200, 90)))
    order, angles = pools_figure.by_phase(atoms, Picture(SIDE, SIDE, 1))
    assert order.tolist() == [0, 2, 1] and angles == pytest.approx([0, 90, 200], abs=1.5)


PICTURES = {
    "grey": (gabor_groups((14, 12), 1, 30, 4), 4, {"shape": (14, 12, 1), "removed": (2, 9)}),
    "colour": (gabor_groups((12, 12), 3, 9, 2), 2, {"shape": (12, 12, 3)}),
    "two channels": (gabor_groups((9, 9), 2, 9, 2), 2, {"shape": (9, 9, 2)}),
    "line": (bump_groups(50, 9, 2), 2, {}),
    "single atoms": (gabor_groups((9, 9), 1, 9, 1), 1, {"shape": (9, 9, 1)}),
    "nothing alive": (gabor_groups((9, 9), 1, 3, 2), 2, {"shape": (9, 9, 1), "removed": (0, 1, 2)}),
}


@pytest.mark.parametrize("case", PICTURES)
def test_the_figure_is_drawn(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dictionary, p, options = PICTURES[case]
    run = write_run(tmp_path / "my.run.h5", dictionary, p, **options)
    assert main(["pools", str(run)]) == 0
    path = tmp_path / "my.run-pools.png"
    assert capsys.readouterr().out.splitlines() == [str(path)]
    image = imread(path)[:, :, :3]
    assert image.shape[1] == WIDTH and (image[100:] < 0.9).any(axis=-1).mean() > 0.002


def add_layer(path: Path, index: int, connectivity: np.ndarray, p: int = 2) -> None:
    groups = connectivity.shape[1]
    with h5py.File(path, "a") as file:
        layer = file.create_group(f"/layers/{index}")
        layer["dictionary"] = np.repeat(connectivity, p, axis=1) / np.sqrt(p)
        layer["connectivity"] = connectivity
        layer["alive"] = np.ones(groups, np.uint8)
        layer["usage"] = np.full(groups, 0.05)


@pytest.fixture
def deep(tmp_path: Path) -> Path:
    path = write_run(tmp_path / "run.h5", gabor_groups((9, 9), 1, 6, 2), 2, shape=(9, 9, 1))
    first = np.zeros((6, 4))
    first[[0, 1, 2, 3, 4], [0, 0, 1, 2, 3]] = 3.0, 1.0, 1.0, 1.0, 1.0
    add_layer(path, 1, first)
    add_layer(path, 2, np.eye(4)[:, :3])
    return path


def test_further_layers_are_drawn_and_read(deep: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for index in (1, 2):
        assert main(["pools", str(deep), "--layer", str(index)]) == 0
        assert (deep.parent / f"run-pools-layer{index}.png").is_file()
    run = read_run(deep, 1)
    assert (run.index, run.layers, run.picture, run.history) == (1, 3, None, None)
    assert run.layer.connectivity.shape == (6, 4)
    capsys.readouterr()
    assert "/layers/3" in refusal(["pools", str(deep), "--layer", "3"], capsys)


def test_a_shared_layer_of_as_many_pools_as_groups_is_refused(
    deep: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with h5py.File(deep, "a") as file:
        file.create_group("/layers/0/shared")
    assert "shared" in refusal(["pools", str(deep), "--layer", "1"], capsys)


def test_a_shared_layer_is_refused(deep: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with h5py.File(deep, "a") as file:
        del file["layers/1"], file["layers/2"]
    add_layer(deep, 1, np.eye(7))
    assert "shared" in refusal(["pools", str(deep), "--layer", "1"], capsys)


def test_fields_through_pools() -> None:
    fields = np.array([[2.0, 0, 0], [0, 5, 0], [0, 0, 0]])  # an input each, the last at none
    connectivity = np.array([[3.0, 0], [4, 0], [0, 1]])
    assert combined(fields, connectivity) == pytest.approx(np.array([[3.0, 0], [4, 0], [0, 0]]))
    assert shares(connectivity)[:, 0] == pytest.approx([9 / 25, 16 / 25, 0])


def test_feeding_pools_that_lie_together_are_told() -> None:
    """Pools 0 to 3 look at the first inputs and 4 to 7 at the last; a group is fed by either."""
    fields = np.zeros((20, 8))
    fields[:10, :4], fields[10:, 4:] = 1.0, 1.0
    connectivity = np.zeros((8, 2))
    connectivity[:4, 0], connectivity[4:, 1] = 1.0, 1.0
    fed, apart = feeding_overlaps(fields, connectivity)
    assert len(fed) == 12 and fed == pytest.approx(np.ones(12))
    assert 0 < len(apart) <= 12 and apart.mean() < 0.9
