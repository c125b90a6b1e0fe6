"""The picture of information by layer: what it shows, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from synthetic import gabor_groups, write_run

from weftpost.__main__ import main
from weftpost.figures import depth, style
from weftpost.runfile import read_run

CURVE = {
    "layer": np.arange(4),
    "bits": np.array([20.0, 25.0, 25.2, 27.5]),
    "entropy_bits": np.array([100.0, 150.0, 180.0, 210.0]),
    "kept": np.array([1, 1, 0, 0], np.uint8),
}


def made(tmp_path: Path, information: dict[str, Any] | None) -> Path:
    atoms = gabor_groups((9, 9), 1, 6, 2)
    return write_run(tmp_path / "run.h5", atoms, 2, shape=(9, 9, 1), information=information)


def test_gain_is_over_the_layers_kept(tmp_path: Path) -> None:
    found = read_run(made(tmp_path, CURVE)).information
    assert found is not None
    assert depth.gains(found) == pytest.approx([0.25, 0.008, 0.1])


def test_dropped_layers_are_hollow_and_gains_are_written(tmp_path: Path) -> None:
    style.apply()
    figure = depth.draw(read_run(made(tmp_path, CURVE)))
    bits, entropy = figure.axes[-2:]
    for axes, name in ((bits, "bits"), (entropy, "entropy_bits")):
        marks = axes.collections[0]
        assert marks.get_offsets()[:, 0].tolist() == [1, 2, 3, 4]
        assert marks.get_offsets()[:, 1].tolist() == CURVE[name].tolist()
        hollow = [tuple(face[:3]) == to_rgb("white") for face in marks.get_facecolors()]
        assert hollow == [False, False, True, True]
    assert [text.get_text() for text in bits.texts] == ["+25.0 %", "+0.8 %", "+10.0 %"]


def test_command_and_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = made(tmp_path, CURVE)
    assert main(["depth", str(run)]) == 0
    assert main(["all", str(run)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == lines[-1] == str(tmp_path / "run-depth.png")


def test_one_layer_and_no_bits(tmp_path: Path) -> None:
    one = {name: values[:1] for name, values in CURVE.items() if name != "kept"}
    assert main(["depth", str(made(tmp_path, one))]) == 0
    nothing = {**CURVE, "bits": np.array([0.0, -1.0, 0.5, 1.0])}
    found = read_run(made(tmp_path, nothing)).information
    assert found is not None and np.isnan(depth.gains(found)).all()


@pytest.mark.parametrize(
    "change, words",
    [
        (None, "no /information in the file"),
        ({"kept": np.ones(3)}, "/information has columns of different lengths"),
        ({"kept": np.array([0, 1, 1, 1])}, "drops the first layer"),
        ({"bits": np.array([1.0, np.nan, 2.0, 3.0])}, "not finite"),
    ],
)
def test_refusals(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, Any] | None, words: str
) -> None:
    run = made(tmp_path, None if change is None else {**CURVE, **change})
    assert main(["depth", str(run)]) == 2
    assert words in capsys.readouterr().err
