"""The figures: written, sized, not empty, and showing the right thing at the right place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.image import imread
from synthetic import bump_groups, gabor_groups, interleaved, plausible_history, write_run

from weftpost.__main__ import main
from weftpost.figures import history as history_figure
from weftpost.figures.atoms import atom_image
from weftpost.figures.fields import field_image
from weftpost.figures.layout import TALLEST, choose
from weftpost.figures.style import WIDTH
from weftpost.geometry import Picture
from weftpost.runfile import read_run

NAMES = ("atoms", "fields", "history")


def pixels(path: Path) -> np.ndarray:
    return imread(path)[:, :, :3]


def assert_drawn(path: Path) -> None:
    image = pixels(path)
    assert image.shape[1] == WIDTH
    below_the_heading = image[100:]
    assert (below_the_heading < 0.9).any(axis=-1).mean() > 0.002


CASES: dict[str, tuple[np.ndarray, int, dict[str, Any]]] = {
    "grey": (gabor_groups((14, 12), 1, 30, 4), 4, {"shape": (14, 12, 1), "removed": (2, 9)}),
    "colour": (gabor_groups((12, 12), 3, 9, 2), 2, {"shape": (12, 12, 3)}),
    "two-channels": (gabor_groups((9, 9), 2, 9, 2), 2, {"shape": (9, 9, 2)}),
    "line": (bump_groups(50, 9, 2), 2, {}),
    "misfit": (bump_groups(50, 9, 2), 2, {"shape": (7, 7, 1)}),
    "flat": (bump_groups(50, 9, 2), 2, {"shape": (1, 50, 1)}),
    "checkpoint": (
        gabor_groups((9, 9), 1, 9, 2),
        2,
        {"shape": (9, 9), "attributes": {"complete": 0}, "history": plausible_history(1)},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_all_writes_three_figures(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dictionary, p, options = CASES[case]
    run = write_run(tmp_path / "my.run.h5", dictionary, p, **options)
    assert main(["all", str(run)]) == 0
    expected = [tmp_path / f"my.run-{name}.png" for name in NAMES]
    captured = capsys.readouterr()
    assert captured.out.splitlines() == [str(path) for path in expected]
    assert ("along a line" in captured.err) == (case in ("line", "misfit", "flat"))
    for path in expected:
        assert_drawn(path)


def test_each_command_writes_its_own_into_a_new_directory(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run.h5", gabor_groups((9, 9), 1, 6, 2), 2, shape=(9, 9, 1))
    for name in NAMES:
        out = tmp_path / "new" / name
        assert main([name, str(run), "-o", str(out)]) == 0
        assert [path.name for path in out.iterdir()] == [f"run-{name}.png"]


def test_nothing_alive_and_nothing_recorded_is_no_fault(tmp_path: Path) -> None:
    options = {"shape": (9, 9, 1), "removed": (0, 1, 2), "history": plausible_history(0)}
    run = write_run(tmp_path / "run.h5", gabor_groups((9, 9), 1, 3, 2), 2, **options)
    assert main(["all", str(run)]) == 0


def test_planes_and_interleaved_give_the_same_pictures(tmp_path: Path) -> None:
    planes = gabor_groups((10, 12), 3, 8, 2)
    orders = {"planes": planes, "interleaved": interleaved(planes, 3)}
    for order, atoms in orders.items():
        run = write_run(tmp_path / "run.h5", atoms, 2, shape=(10, 12, 3), pixel_order=order)
        assert main(["all", str(run), "-o", str(tmp_path / order)]) == 0
    for name in NAMES:
        first, second = (pixels(tmp_path / order / f"run-{name}.png") for order in orders)
        assert np.array_equal(first, second)


def test_atom_image_has_zero_at_mid_grey_and_channels_in_place() -> None:
    grey = atom_image(np.array([0.0, 2, -2, 1]), Picture(2, 2, 1), scale=2)
    assert np.array_equal(grey[:, :, 0], [[0.5, 1], [0, 0.75]])
    colour = np.zeros(12)
    colour[4 + 1] = 1  # green plane, second pixel of the first row
    image = atom_image(colour, Picture(2, 2, 3), scale=1)
    assert np.array_equal(image[0, 1], [0.5, 1, 0.5])
    assert (np.delete(image.reshape(4, 3), 1, axis=0) == 0.5).all()
    assert atom_image(np.zeros(4), Picture(2, 2, 1), scale=0).tolist() == [[[0.5] * 3] * 2] * 2


def test_field_image_is_white_only_where_there_is_no_connection() -> None:
    field = np.zeros(12)
    field[[0, 5, 6]] = 1e-9, 3.0, 4.0  # planes: pixel 0 in red; pixels 1 and 2 in green
    image = field_image(field, Picture(2, 2, 3))
    white = (image == 1).all(axis=-1)
    assert white.tolist() == [[False, False], [False, True]]
    assert image[1, 0].sum() < image[0, 1].sum() < image[0, 0].sum()  # stronger is darker


def test_groups_come_most_used_first_and_removed_ones_not_at_all(tmp_path: Path) -> None:
    options = {"shape": (9, 9, 1), "removed": (3,), "usage": np.array([0.01, 0.05, 0.03, 0.9])}
    run = write_run(tmp_path / "run.h5", gabor_groups((9, 9), 1, 4, 2), 2, **options)
    assert read_run(run).layer.most_used().tolist() == [1, 2, 0]


def test_groups_option_limits_what_is_shown(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run.h5", gabor_groups((28, 28), 1, 80, 4), 4, shape=(28, 28, 1))
    heights = []
    for count in ("8", "80"):
        assert main(["atoms", str(run), "--groups", count]) == 0
        heights.append(pixels(tmp_path / "run-atoms.png").shape[0])
    assert heights[0] < heights[1]


@pytest.mark.parametrize("freeze, marked", [(24, True), (0, True), (-1, False), (99, False)])
def test_freeze_is_marked_where_it_happened(tmp_path: Path, freeze: int, marked: bool) -> None:
    options = {"shape": (9, 9, 1), "attributes": {"freeze_iteration": freeze}}
    run = read_run(write_run(tmp_path / "run.h5", gabor_groups((9, 9), 1, 4, 2), 2, **options))
    notes = [text.get_text() for text in history_figure.draw(run).axes[0].texts]
    assert any("frozen" in note for note in notes) == marked


@pytest.mark.parametrize("count", [1, 5, 64, 200])
@pytest.mark.parametrize("tile", [(8, 8), (28, 28), (32, 32), (96, 96)])
@pytest.mark.parametrize("p", [1, 4, 16])
def test_layout_keeps_groups_on_the_page_and_apart(
    count: int, tile: tuple[int, int], p: int
) -> None:
    layout = choose(count, p, *tile)
    frames = list(layout.frames())
    assert len(frames) == len(set(frames)) == count
    right = max(left for left, _ in frames) + layout.frame_width
    bottom = max(top for _, top in frames) + layout.frame_height
    assert right <= layout.width and bottom <= layout.bottom
    assert layout.columns == 1 or layout.step_x > layout.frame_width
    assert layout.step_y > layout.frame_height
    assert layout.zoom == 1 or layout.bottom <= TALLEST
