"""What a user gets for a wrong file or a wrong option: status 2 and one line that names it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from synthetic import gabor_groups, write_run

from weftpost.__main__ import main
from weftpost.measure import measure
from weftpost.runfile import read_run

PACKAGE_ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write_run(tmp_path / "run.h5", gabor_groups((9, 9), 1, 6, 2), 2, shape=(9, 9, 1))


def refusal(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line printed; checks the status and that there is no second line."""
    try:
        status = main(arguments)
    except SystemExit as stop:  # argparse leaves this way
        status = stop.code
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert status == 2 and len(lines) == 1 and captured.out == ""
    assert lines[0].startswith("weftpost: error: ")
    return lines[0]


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def overwrite_data(path: Path) -> None:
    """Damages the structure behind the first kilobyte, as a bad copy would."""
    content = bytearray(path.read_bytes())
    content[800:] = bytes(len(content) - 800)
    path.write_bytes(content)


def edit(change: Callable[[h5py.File], None]) -> Callable[[Path], None]:
    def apply(path: Path) -> None:
        with h5py.File(path, "a") as file:
            change(file)

    return apply


def replace(name: str, value: object) -> Callable[[Path], None]:
    def change(file: h5py.File) -> None:
        del file[name]
        file[name] = value

    return edit(change)


def remove(name: str) -> Callable[[Path], None]:
    return edit(lambda file: file.__delitem__(name))


def set_attribute(name: str, value: object) -> Callable[[Path], None]:
    return edit(lambda file: file.attrs.__setitem__(name, value))


BAD_FILES: dict[str, tuple[Callable[[Path], None], str]] = {
    "missing": (Path.unlink, "no such file"),
    "directory": (lambda path: (path.unlink(), path.mkdir()), "is a directory"),
    "empty": (lambda path: path.write_bytes(b""), "not an HDF5 file"),
    "text": (lambda path: path.write_text("hello\n" * 99), "not an HDF5 file"),
    "truncated": (truncate, "truncated"),
    "damaged": (overwrite_data, "damaged"),
    "data file": (remove("layers"), "not a run file"),
    "no alive": (remove("layers/0/alive"), "/layers/0/alive"),
    "no gaps": (remove("history/0/max_gap"), "/history/0/max_gap"),
    "words": (replace("layers/0/dictionary", "words"), "/layers/0/dictionary"),
    "nan": (replace("layers/0/dictionary", np.full((81, 12), np.nan)), "not finite"),
    "transposed": (replace("layers/0/connectivity", np.ones((6, 81))), "connectivity"),
    "short usage": (replace("layers/0/usage", np.ones(5)), "/layers/0/usage"),
    "short history": (replace("history/0/objective", np.ones(3)), "different lengths"),
    "no groups": (replace("layers/0/connectivity", np.ones((81, 0))), "empty"),
}


@pytest.mark.parametrize("case", BAD_FILES)
@pytest.mark.parametrize("command", ["all", "measure"])
def test_bad_file_is_refused_by_name(
    case: str, command: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil, words = BAD_FILES[case]
    spoil(run)
    line = refusal([command, str(run)], capsys)
    assert str(run) in line and words in line
    assert not list(run.parent.glob("*.png"))


def test_unknown_pixel_order_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {"shape": (6, 6, 3), "pixel_order": "spiral"}
    path = write_run(tmp_path / "run.h5", gabor_groups((6, 6), 3, 2, 2), 2, **options)
    assert "spiral" in refusal(["atoms", str(path)], capsys)


@pytest.mark.parametrize(
    "arguments, words",
    [
        ([], "COMMAND"),
        (["paint", "run.h5"], "paint"),
        (["atoms"], "run.h5"),
        (["atoms", "run.h5", "--groups", "0"], "--groups"),
        (["measure", "run.h5", "--seed", "-3"], "--seed"),
    ],
)
def test_bad_option_is_refused(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert words in refusal(arguments, capsys)


def test_output_that_cannot_be_written(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blocker = run.parent / "blocker"
    blocker.write_text("a file, not a directory")
    assert str(blocker) in refusal(["atoms", str(run), "-o", str(blocker)], capsys)


def test_history_figure_needs_a_history(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    remove("history")(run)
    for command in ("history", "all"):
        assert "/history/0" in refusal([command, str(run)], capsys)
        assert not list(run.parent.glob("*.png"))
    assert main(["atoms", str(run)]) == 0
    assert main(["measure", str(run)]) == 0


def test_checkpoint_without_usage_orders_by_norm(run: Path) -> None:
    remove("layers/0/usage")(run)
    replace("layers/0/connectivity", np.tile([1.0, 3, 2, 6, 5, 4], (81, 1)))(run)
    assert read_run(run).layer.most_used().tolist() == [3, 4, 5, 1, 2, 0]
    assert main(["all", str(run)]) == 0
    assert main(["measure", str(run)]) == 0


def test_attributes_in_any_form(run: Path) -> None:
    """Scalars or arrays of one; fixed-length or variable-length strings."""
    set_attribute("complete", np.array([0], np.int32))(run)
    set_attribute("pixel_order", "interleaved")(run)
    edit(lambda file: file["history/0"].attrs.__setitem__("freeze_iteration", np.int64(7)))(run)
    loaded = read_run(run)
    assert not loaded.complete and loaded.freeze_iteration == 7
    assert loaded.picture is not None and loaded.picture.pixel_order == "interleaved"


def test_atoms_left_in_a_removed_group_are_noted_and_left_out(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dictionary = gabor_groups((9, 9), 1, 6, 2)
    clean = write_run(run.parent / "clean.h5", dictionary, 2, shape=(9, 9, 1), removed=(2,))
    dictionary[:, 4:6] = 1 / 9  # as spread out as an atom can be
    replace("layers/0/dictionary", dictionary.astype(np.float32))(run)
    replace("layers/0/alive", np.array([1, 1, 0, 1, 1, 1], np.uint8))(run)
    assert main(["measure", str(run)]) == 0
    assert "removed groups" in capsys.readouterr().err
    dirty_figures, clean_figures = measure(read_run(run)), measure(read_run(clean))
    for name in ("atoms_alive", "connection_density", "locality", "pooling", "active_fraction"):
        assert dirty_figures[name] == pytest.approx(clean_figures[name]), name


def test_runs_as_a_module_from_elsewhere(run: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE_ROOT)}
    command = [sys.executable, "-m", "weftpost", "history", run.name]
    options = {"cwd": run.parent, "env": environment, "capture_output": True, "text": True}
    done = subprocess.run(command, **options)
    assert (done.returncode, done.stdout.strip()) == (0, "run-history.png")
    done = subprocess.run(command[:-1] + ["none.h5"], **options)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
