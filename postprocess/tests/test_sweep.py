"""A sweep as one table: what is known of each point, which is best, what is wrong with others."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import h5py
import numpy as np
import pytest
from matplotlib.image import imread
from synthetic import set_status, write_sweep
from test_runfile import refusal, replace, set_attribute, truncate

from weftpost.__main__ import main
from weftpost.figures import sweep_parallel, sweep_response
from weftpost.figures.style import VERMILION, WIDTH
from weftpost.metrics import METRICS, read_metrics
from weftpost.sweep.best import best, correlation, rank
from weftpost.sweep.collect import Sweep, read_sweep
from weftpost.sweep.columns import log_spaced, option_column, short
from weftpost.sweep.words import ordinal, sentences, summary, teller

GRID = {"weft_sparsity": ["0.3", "0.5"], "weft_connectivity_penalty": ["0.05", "0.1", "0.2"]}
PICTURES = ("sweep-parallel.png", "sweep-response.png")


def bits(values: dict[str, str]) -> float:
    """Greatest at the largest sparsity and the smallest penalty."""
    return 10 + float(values["weft_sparsity"]) - 10 * float(values["weft_connectivity_penalty"])


def accuracy(values: dict[str, str]) -> float:
    """As the bits, but that the best by bits is third."""
    first = values == {"weft_sparsity": "0.5", "weft_connectivity_penalty": "0.05"}
    return 0.9 + bits(values) / 1000 - (0.0006 if first else 0)


@pytest.fixture
def points(tmp_path: Path) -> list[Path]:
    return write_sweep(tmp_path / "sweep", GRID, bits, accuracy)


@pytest.fixture
def directory(points: list[Path]) -> Path:
    return points[0].parents[1]


def rows(directory: Path) -> list[dict[str, str]]:
    with (directory / "sweep.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_everything_is_written_and_told(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sweep", str(directory)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "6 points: 6 done"
    assert told[-4:] == [str(directory / name) for name in ("sweep.csv", "sweep.h5", *PICTURES)]
    line = next(line for line in told if line.startswith("best by bits"))
    name = "sparsity=0.5,connectivity_penalty=0.05"
    assert line == f"best by bits: {name} (10.00 bits), 3rd of 6 by accuracy (0.9094; best 0.9098)"
    assert any(line.startswith("Spearman") and "6 points" in line for line in told)
    for picture in PICTURES:
        image = imread(directory / picture)
        assert image.shape[1] == WIDTH and (image[:, :, :3] < 0.9).any(axis=-1).mean() > 0.002


def test_columns_and_values(directory: Path, points: list[Path]) -> None:
    assert main(["sweep", str(directory)]) == 0
    found = rows(directory)
    assert list(found[0]) == ["point", "state", *GRID, *METRICS, "reason", "directory"]
    assert [row["point"] for row in found] == [path.name for path in points]
    row = found[0]
    measured = read_metrics(points[0] / "run.h5").values
    for name in ("bits", "density", "activity", "objective", "seconds", "peak_bytes"):
        assert float(row[name]) == measured[name], name
    assert row["weft_sparsity"] == "0.3" and row["weights"] == "1000" and row["layers"] == "1"
    assert directory / row["directory"] == points[0]
    with h5py.File(directory / "sweep.h5") as file:
        assert set(file["table"]) == set(row)
        assert file.attrs["weft_sweep"] == 1 and file.attrs["data"] == "/data/d.h5"
        assert file.attrs["created"] == "2026-01-02T03:04:05Z"
        for name, column in file["table"].items():
            assert column.attrs["description"] and "units" in column.attrs, name
            assert column.dims[0].label == "point" and column.shape == (6,), name
        assert file["table/weft_sparsity"][()].tolist() == [0.3] * 3 + [0.5] * 3
        assert file["table/bits"][0] == float(row["bits"])
        assert file["table/state"].asstr()[0] == "done"


def test_metrics_of_a_run_file(points: list[Path]) -> None:
    """Against what the file holds, worked out here."""
    path = points[0] / "run.h5"
    with h5py.File(path, "a") as file:
        file["history/1/seconds"] = [1.0, 2.0]
        file["history/1/max_gap"] = [0.5, 0.25]
        file.create_group("layers/1")
        del file["information"]
        file["information/bits"] = [7.0, 9.0, 9.5]
        file["information/kept"] = np.array([1, 1, 0], np.uint8)
        objective, seconds = file["history/0/objective"][()], file["history/0/seconds"][()]
        alive = file["layers/0/alive"][()] != 0
        usage, connectivity = file["layers/0/usage"][()], file["layers/0/connectivity"][()]
    values = read_metrics(path).values
    assert values["bits"] == 9.0 and math.isnan(values["entropy_bits"])
    assert values["layers"] == 2 and values["max_gap"] == 0.5
    assert values["seconds"] == pytest.approx(seconds[-1] + 2)
    assert values["objective"] == pytest.approx(objective[-10:].mean())
    assert values["activity"] == pytest.approx(usage[alive].mean())
    assert values["density"] == pytest.approx(np.count_nonzero(connectivity) / connectivity.size)


def test_every_state_is_told_and_only_done_points_are_ranked(
    directory: Path, points: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    best_point = points[3]
    set_status(points[0], "failed", "weft: error: no", 2)
    truncate(points[1] / "run.h5")
    set_attribute("complete", 0)(best_point / "run.h5")
    set_status(points[4], "running")
    (points[4] / "net.h5").unlink()
    for name in ("status.json", "run.h5", "net.h5"):
        (points[5] / name).unlink()
    assert main(["sweep", str(directory)]) == 0
    told = capsys.readouterr().out
    assert "6 points: 1 done, 2 failed, 1 stopped, 1 running, 1 missing" in told
    assert "failed, 1: weft: error: no" in told
    found = rows(directory)
    states = ["failed", "failed", "done", "stopped", "running", "missing"]
    assert [row["state"] for row in found] == states
    assert "run.h5: truncated" in found[1]["reason"] and "bits" not in found[1]["reason"]
    assert found[1]["bits"] == "" and found[1]["test_accuracy"] != ""
    assert found[3]["bits"] != "" and found[4]["bits"] != "" and found[5]["bits"] == ""
    sweep = read_sweep(directory)
    first = best(sweep, "bits")
    assert first is not None and first.point.name == points[2].name and first.count == 1
    assert correlation(sweep) is None
    assert "2 failed, 1 stopped, 1 running, 1 missing" in texts_of(sweep_parallel.draw(sweep))


def texts_of(figure: object) -> str:
    return "\n".join(text.get_text() for text in figure.texts)  # type: ignore[attr-defined]


def test_done_without_its_file_is_failed(directory: Path, points: list[Path]) -> None:
    (points[0] / "net.h5").unlink()
    (points[1] / "status.json").write_text("{")
    (points[2] / "status.json").write_text('{"state": "odd"}')
    (points[2] / "net.h5").unlink()
    found = read_sweep(directory).points
    assert found[0].state == "failed" and "net.h5: no such file" in found[0].reason
    assert found[1].state == "failed" and "status.json" in found[1].reason
    assert found[2].state == "failed" and "odd" in found[2].reason


def test_files_without_a_status_tell_for_themselves(directory: Path, points: list[Path]) -> None:
    for point in points[:2]:
        (point / "status.json").unlink()
    (points[1] / "net.h5").unlink()
    found = read_sweep(directory).points
    assert (found[0].state, found[1].state) == ("done", "stopped")


def test_nothing_done_gives_a_table_and_no_picture(directory: Path, points: list[Path]) -> None:
    for point in points:
        set_status(point, "failed", "no")
    assert main(["sweep", str(directory)]) == 0
    assert len(rows(directory)) == 6 and not list(directory.glob("*.png"))


def test_a_log_that_ends_in_anything_sinks_no_table(directory: Path, points: list[Path]) -> None:
    """Zero bytes of a file system that went down, bytes of another encoding, a terminal's escapes."""
    set_status(points[0], "failed", "killed\0\0 by \x1b[31m\udcff a node\0")
    assert main(["sweep", str(directory)]) == 0 and main(["report", str(directory)]) == 0
    assert rows(directory)[0]["reason"] == "killed   by  [31m  a node"


def test_without_training_there_is_no_accuracy(tmp_path: Path) -> None:
    write_sweep(tmp_path / "sweep", GRID, bits)
    sweep = read_sweep(tmp_path / "sweep")
    assert sentences(sweep) == [
        "best by bits: sparsity=0.5,connectivity_penalty=0.05 (10.00 bits)"
    ]
    assert main(["sweep", str(tmp_path / "sweep"), "-o", str(tmp_path / "out")]) == 0
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert written == {"sweep.csv", "sweep.h5", *PICTURES}
    assert all(row["test_accuracy"] == "" for row in rows(tmp_path / "out"))


def test_ties_share_a_rank_and_what_is_unknown_has_none(
    directory: Path, points: list[Path]
) -> None:
    for point in (points[0], points[2]):
        replace("information/bits", np.array([12.0]))(point / "run.h5")
    replace("information/bits", np.array([np.nan]))(points[1] / "run.h5")
    sweep = read_sweep(directory)
    first = best(sweep, "bits")
    assert first is not None and (first.point.name, first.equals) == (points[0].name, 1)
    ranks = [rank(sweep, "bits", point) for point in sweep.points]
    assert ranks == [1, None, 1, 3, 4, 5]
    assert "and 1 more as good" in summary(sweep, "bits")
    assert "1 done, bits unknown" in texts_of(sweep_parallel.draw(sweep))


def test_rank_correlation_needs_points_that_differ(directory: Path, points: list[Path]) -> None:
    found = correlation(read_sweep(directory))
    assert found is not None and found.count == 6 and 0.5 < found.rho < 1
    for point in points:
        replace("information/bits", np.array([12.0]))(point / "run.h5")
    assert correlation(read_sweep(directory)) is None


def test_least_is_best_of_seconds(directory: Path, points: list[Path]) -> None:
    with h5py.File(points[4] / "run.h5", "a") as file:
        file["history/0/seconds"][...] /= 2
    found = best(read_sweep(directory), "seconds")
    assert found is not None and found.point.name == points[4].name
    assert best(read_sweep(directory), "objective") is None  # of other penalties


def emphasised(sweep: Sweep, by: str) -> int:
    lines = sweep_parallel.draw(sweep, by).axes[0].lines
    return sum(line.get_color() == VERMILION for line in lines)


def test_parallel_coordinates_follow_the_points(directory: Path) -> None:
    sweep = read_sweep(directory)
    axes = sweep_parallel.draw(sweep, "bits").axes[0]
    lines = [line.get_ydata() for line in axes.lines if line.get_marker() == "."]
    assert len(lines) == 6
    top = lines[-1]  # the best lies on top
    assert top[0] == 1 and top[1] == 0 and top[2] == 1 and top[3] < 1
    # 0.05, 0.1 and 0.2 are log spaced: the middle one is half way up.
    assert {round(float(line[1]), 6) for line in lines} == {0.0, 0.5, 1.0}
    assert emphasised(sweep, "bits") == 1 and emphasised(sweep, "density") == 0


def test_response_shows_each_point_and_the_medians(directory: Path) -> None:
    panels = sweep_response.draw(read_sweep(directory), "bits").axes
    assert [panel.get_title(loc="left") for panel in panels] == ["sparsity", "connectivity_penalty"]
    assert [panel.get_xscale() for panel in panels] == ["linear", "log"]
    x, y = panels[1].lines[0].get_data()
    assert x.tolist() == [0.05, 0.1, 0.2] and y == pytest.approx([9.9, 9.4, 8.4])
    assert [len(panel.collections[0].get_offsets()) for panel in panels] == [6, 6]


def test_medians_of_many_values_are_of_neighbours() -> None:
    x = np.linspace(0, 1, 60)
    middle, medians = sweep_response.medians(x, 3 * x)
    assert len(middle) == sweep_response.BINS and medians == pytest.approx(3 * middle)


LONG = "weft_an_option_with_quite_a_long_name_for_an_axis"
WORDS = {
    "weft_coder_type": ["bcd", "fista"],
    "train.weft_train_hidden": ["128", "256,128"],
    LONG: ["1", "2", "3"],
}


def test_words_and_lists_are_drawn_too(tmp_path: Path) -> None:
    write_sweep(tmp_path, WORDS, lambda values: len(values["weft_coder_type"]))
    assert main(["sweep", str(tmp_path), "--by", "bits"]) == 0
    sweep = read_sweep(tmp_path)
    assert option_column(sweep, "train.weft_train_hidden").numbers is None
    assert option_column(sweep, LONG).numbers is not None
    with h5py.File(tmp_path / "sweep.h5") as file:
        values = file["table/train.weft_train_hidden"].asstr()[()]
        assert set(values) == {"128", "256,128"}
    assert rows(tmp_path)[3]["train.weft_train_hidden"] == "256,128"


def test_a_single_point_and_by_what_is_not_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_sweep(tmp_path, {"weft_sparsity": ["0.5"]}, lambda values: 3.0)
    line = refusal(["sweep", str(tmp_path), "--by", "test_accuracy"], capsys)
    assert "test_accuracy" in line and not (tmp_path / "sweep.csv").exists()
    assert main(["sweep", str(tmp_path)]) == 0


BAD_MANIFESTS = {
    "missing": (None, "no such file"),
    "not JSON": ("{", "not JSON"),
    "a list": ("[]", "not a JSON object"),
    "newer": ('{"weft_sweep": 2}', "weft_sweep is 2"),
    "no points": ('{"weft_sweep": 1, "varied": [], "points": []}', "no points"),
    "bad point": ('{"weft_sweep": 1, "varied": [], "points": [{"name": "a"}]}', "steps"),
    "odd point": ('{"weft_sweep": 1, "varied": [], "points": [3]}', "not as"),
}


@pytest.mark.parametrize("case", BAD_MANIFESTS)
def test_bad_manifest_is_refused(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, words = BAD_MANIFESTS[case]
    if text is not None:
        (tmp_path / "sweep.json").write_text(text)
    line = refusal(["sweep", str(tmp_path)], capsys)
    assert str(tmp_path / "sweep.json") in line and words in line


@pytest.mark.parametrize(
    "values, log",
    [
        ([0.05, 0.1, 0.2, 0.4], True),
        ([64, 256, 1024], True),
        ([0.3, 0.5, 0.7], False),
        ([256, 512, 768, 1024], False),
        ([1, 10], False),
        ([0, 1, 10, 100], False),
        ([1, 1.1, 1.21], False),
    ],
)
def test_log_spacing_is_told_from_linear(values: list[float], log: bool) -> None:
    assert log_spaced(np.array(values)) == log


def test_random_draws_are_told_apart_too() -> None:
    drawn = np.random.default_rng(3).uniform(size=40)
    assert log_spaced(10 ** (3 * drawn)) and not log_spaced(1 + 9 * drawn)


@pytest.mark.parametrize(
    ("metric", "low", "high", "value", "said"),
    [
        ("bits", 3.0, 5.0, 4.0, "4.00"),
        ("bits", 3.001, 3.004, 3.002, "3.002"),
        ("bits", 3.0, 3.0, 3.0, "3.00"),
        ("layers", 1.0, 2.0, 1.5, "1.5"),
        ("peak_bytes", 56.2e6, 56.6e6, 56.4e6, "56.4 MB"),
    ],
)
def test_ticks_are_told_apart(
    metric: str, low: float, high: float, value: float, said: str
) -> None:
    assert teller(metric, low, high)(value) == said


def test_where_nothing_varies_there_is_no_response(tmp_path: Path) -> None:
    write_sweep(tmp_path, {}, lambda values: 3.0)
    assert main(["sweep", str(tmp_path)]) == 0
    assert [path.name for path in tmp_path.glob("*.png")] == ["sweep-parallel.png"]


def test_names_for_people() -> None:
    assert short("weft_sparsity") == "sparsity" and short("train.seed") == "train.seed"
    assert short("weft_train_rate") == "train_rate"
    assert short("train.weft_precision") == "train.precision"
    told = [ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 22, 101, 111)]
    assert told == "1st 2nd 3rd 4th 11th 12th 13th 21st 22nd 101st 111th".split()


def test_manifest_of_the_contract_is_enough(tmp_path: Path) -> None:
    """A point without a value of an option, as random draws with constraints may have."""
    write_sweep(tmp_path, {"weft_sparsity": ["0.3", "0.5", "0.9"]}, lambda values: 3.0)
    manifest = json.loads((tmp_path / "sweep.json").read_text())
    manifest["points"][1]["values"] = {}
    (tmp_path / "sweep.json").write_text(json.dumps(manifest))
    assert main(["sweep", str(tmp_path)]) == 0
    with h5py.File(tmp_path / "sweep.h5") as file:
        assert np.isnan(file["table/weft_sparsity"][()]).tolist() == [False, True, False]
