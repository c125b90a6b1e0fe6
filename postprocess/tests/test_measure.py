"""measure against values worked out by hand, and against the obvious slow way."""

from __future__ import annotations

import json
from itertools import combinations
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from synthetic import gabor_groups, interleaved, permuted, plausible_history, write_run

from weftpost.__main__ import main
from weftpost.geometry import Picture
from weftpost.measure import envelope_cosines, measure, shuffled, spreads
from weftpost.runfile import read_run


def measured(path: Path, **options: Any) -> dict[str, Any]:
    return measure(read_run(path), **options)


def test_spread_of_known_atoms() -> None:
    positions = Picture(3, 3, 1).positions()
    atoms = np.zeros((9, 3))
    atoms[4, 0] = -0.7  # one pixel: no spread
    atoms[[0, 2], 1] = 1, -1  # two pixels two apart: each lies one from the centre
    atoms[[0, 8], 2] = sqrt(3), 1  # energies 3 and 1 on a diagonal of length sqrt(8)
    # two places a distance L apart, weights w and 1 - w: L sqrt(w (1 - w))
    assert spreads(atoms, positions) == pytest.approx([0, 1, sqrt(8 * 3 / 16)], abs=1e-6)


def test_channels_of_a_pixel_lie_at_one_place() -> None:
    for order, red_and_blue in (("planes", [4, 22]), ("interleaved", [12, 14])):
        atom = np.zeros((27, 1))
        atom[red_and_blue] = 1
        assert spreads(atom, Picture(3, 3, 3, order).positions()) == pytest.approx(0, abs=1e-6)


def test_cosines_by_hand() -> None:
    """Two groups of two atoms: (1,0) and (-1,0); (0,2) and (1,1). Signs and lengths drop out."""
    atoms = np.array([[1.0, -1, 0, 1], [0, 0, 2, 1]])
    within, between = envelope_cosines(atoms, 2)
    assert within == pytest.approx((1 + sqrt(0.5)) / 2)
    assert between == pytest.approx((0 + sqrt(0.5) + 0 + sqrt(0.5)) / 4)


def test_zero_atoms_are_left_out_of_the_cosines() -> None:
    atoms = np.array([[1.0, -1, 0, 1, 0, 0], [0, 0, 2, 1, 0, 1], [0, 0, 0, 0, 0, 0]])
    within, between = envelope_cosines(atoms, 2)  # the last group has one atom only: no pair
    assert within == pytest.approx((1 + sqrt(0.5)) / 2)
    pairs = [0, sqrt(0.5), 0, sqrt(0.5), 0, 0, 1, sqrt(0.5)]
    assert between == pytest.approx(np.mean(pairs))


@pytest.mark.parametrize("p", [1, 3, 5])
def test_cosines_equal_the_loop_over_all_pairs(p: int) -> None:
    atoms = np.random.default_rng(p).normal(size=(7, 300))  # more than one block
    atoms[:, [0, 17]] = 0
    units = np.abs(atoms) / np.maximum(np.linalg.norm(atoms, axis=0), 1e-300)
    product = units.T @ units
    own: list[float] = []
    other: list[float] = []
    for a, b in combinations([a for a in range(300) if a not in (0, 17)], 2):
        (own if a // p == b // p else other).append(product[a, b])
    within, between = envelope_cosines(atoms, p)
    assert between == pytest.approx(np.mean(other))
    assert within == pytest.approx(np.mean(own)) if own else np.isnan(within)


def test_shuffling_keeps_each_atom_and_follows_the_seed() -> None:
    atoms = np.random.default_rng(0).normal(size=(20, 6))
    once = shuffled(atoms, 3)
    assert np.array_equal(np.sort(once, axis=0), np.sort(atoms, axis=0))
    assert np.array_equal(once, shuffled(atoms, 3))
    assert not np.array_equal(once, shuffled(atoms, 4))


def test_small_run_by_hand(tmp_path: Path) -> None:
    dictionary = np.zeros((4, 6))  # 2 x 2 pixels, three groups of two, the last one removed
    dictionary[0, 0] = dictionary[0, 1] = 1
    dictionary[[0, 1], 2] = sqrt(0.5)  # atom 3 stays zero though its group is alive
    dictionary[3, 4] = 1
    history = {
        "iteration": [0, 1, 2],
        "objective": [9.0, 5.0, 4.5],
        "reconstruction": [8.0, 4.0, 3.0],
        "active_fraction": [0.1, 0.1, 0.1],
        "connection_density": [1.0, 0.5, 0.375],
        "max_gap": [1e-3, 7e-3, 2e-3],
        "mean_gap": [1e-4, 1e-4, 1e-4],
    }
    usage = np.array([0.02, 0.06, 0.5])
    options = {"shape": (2, 2, 1), "removed": (2,), "usage": usage, "history": history}
    path = write_run(tmp_path / "r.h5", dictionary, 2, **options)
    figures = measured(path)
    expected = {
        "inputs": 4, "atoms": 6, "group_size": 2, "groups": 3,
        "groups_alive": 2, "atoms_alive": 3,
        "connection_density": 3 / 8, "active_fraction": 0.04,
        "envelope_cosine_within": 1.0, "envelope_cosine_between": sqrt(0.5),
        "pooling": sqrt(2), "spread": 0.0,
        "iterations": 3, "worst_max_gap": 7e-3, "final_objective": 4.5,
    }
    assert {name: figures[name] for name in expected} == pytest.approx(expected, abs=1e-6)


def test_local_atoms_measure_as_local_and_permuted_ones_do_not(tmp_path: Path) -> None:
    planted = gabor_groups((20, 20), 1, 40, 4)
    local = measured(write_run(tmp_path / "local.h5", planted, 4, shape=(20, 20, 1)))
    mixed = measured(write_run(tmp_path / "mixed.h5", permuted(planted), 4, shape=(20, 20, 1)))
    assert local["locality"] < 0.35 and local["pooling"] > 5
    assert mixed["locality"] == pytest.approx(1, abs=0.05)
    assert mixed["pooling"] == pytest.approx(1, abs=0.15)


def test_copies_are_told_from_atoms_that_differ_in_sign_of_parts(tmp_path: Path) -> None:
    a, b = np.array([1, 1, 0, 0.0]), np.array([1, -1, 0, 0.0])
    zero = np.zeros(4)
    atoms = np.stack([a, -2 * a, a, b, a, b, b, zero], axis=1)  # pairs: copy, other, other, none
    figures = measured(write_run(tmp_path / "r.h5", atoms, 2, shape=(2, 2, 1)))
    assert figures["copies"] == pytest.approx(1 / 3)
    assert figures["envelope_cosine_within"] == pytest.approx(1)  # which cannot tell


def test_pixel_order_changes_no_figure_but_a_wrong_one_does(tmp_path: Path) -> None:
    planes = gabor_groups((12, 12), 3, 10, 2)
    mixed = interleaved(planes, 3)
    path = tmp_path / "run.h5"
    right, also_right, wrong = (
        measured(write_run(path, atoms, 2, shape=(12, 12, 3), pixel_order=order))["spread"]
        for atoms, order in ((planes, "planes"), (mixed, "interleaved"), (mixed, "planes"))
    )
    assert also_right == pytest.approx(right, abs=1e-6)
    assert wrong > 1.5 * right


def test_without_a_picture_distances_count_inputs(tmp_path: Path) -> None:
    dictionary = np.zeros((10, 2))
    dictionary[[2, 6], 0] = dictionary[[3, 7], 1] = sqrt(0.5)
    figures = measured(write_run(tmp_path / "line.h5", dictionary, 1))
    assert figures["spread_unit"] == "inputs"
    assert figures["spread"] == pytest.approx(2)


def test_what_cannot_be_known_is_null(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    history = {**plausible_history(3), "max_gap": [0, np.nan, 0]}
    options = {"shape": (8, 8, 1), "removed": (0, 1, 2), "history": history}
    path = write_run(tmp_path / "r.h5", gabor_groups((8, 8), 1, 3, 1), 1, **options)
    assert main(["measure", str(path), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["groups_alive"] == 0
    assert figures["locality"] is figures["pooling"] is figures["connection_density"] is None
    assert figures["worst_max_gap"] is None  # and not the largest of the others


def test_text_names_every_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_run(tmp_path / "r.h5", gabor_groups((8, 8), 1, 3, 2), 2, shape=(8, 8, 1))
    assert main(["measure", str(path), "--seed", "4"]) == 0
    lines = capsys.readouterr().out.splitlines()
    names = [line.split()[0] for line in lines]
    assert {"locality", "pooling", "groups_alive", "worst_max_gap"} <= set(names)
    assert "pixels" in lines[names.index("spread")]
