from __future__ import annotations

import json
import string
from pathlib import Path

import pytest
from weftsweep import status
from weftsweep.errors import SweepError
from weftsweep.files import write_json
from weftsweep.grid import read_grid
from weftsweep.manifest import point_name, read_points, write_manifest
from weftsweep.options import Verb
from weftsweep.plan import Plan, dropped, make_plan

Verbs = dict[str, Verb]
GRID = (
    "{learn: {weft_iterations: 80, weft_sparsity: [0.3, 0.5], seed: 1},"
    " train: {weft_train_rule: softmax}}"
)


def plan(folder: Path, verbs: Verbs, text: str = GRID, data: str = "d.h5") -> Plan:
    path = folder / "g.yaml"
    path.write_text(text, encoding="utf-8")
    return make_plan(read_grid(path, verbs), folder / data, folder / "sweep", 1000)


def finish(made: Plan, index: int, state: str = "done") -> None:
    """As the runner leaves a point."""
    point = made.points[index]
    folder = made.sweep / point.directory
    folder.mkdir(parents=True, exist_ok=True)
    for path in point.outputs(made.sweep):
        path.touch()
    write_json(folder / status.NAME, {"state": state, "steps": list(point.steps), "attempt": 1})


def test_steps_are_lists_of_arguments(tmp_path: Path, verbs: Verbs) -> None:
    point = plan(tmp_path, verbs).points[1]
    data = str(tmp_path / "d.h5")
    learn = ["-data", data, "-weft_iterations", "80", "-weft_sparsity", "0.5", "-seed", "1"]
    train = ["-data", data, "-structure", "run.h5", "-weft_train_rule", "softmax"]
    assert point.name == "sparsity=0.5" and point.directory == "points/sparsity=0.5"
    assert point.steps == (
        {"verb": "learn", "arguments": learn, "output": "run.h5"},
        {"verb": "train", "arguments": train, "output": "net.h5"},
    )


def test_the_manifest_comes_back_as_it_was(tmp_path: Path, verbs: Verbs) -> None:
    made = plan(tmp_path, verbs)
    made.sweep.mkdir()
    write_manifest(made.sweep, made.about, list(made.points))
    assert read_points(made.sweep) == made.points
    found = json.loads((made.sweep / "sweep.json").read_text(encoding="utf-8"))
    assert found["weft_sweep"] == 1 and found["grid"] == GRID
    assert found["varied"] == ["weft_sparsity"]
    assert found["data"] == str(tmp_path / "d.h5") and found["created"].endswith("Z")
    assert not list(made.sweep.glob("*.partial"))


@pytest.mark.parametrize(
    "text",
    ["{}", "[]", "", '{"weft_sweep": 1, "points": [{}]}', '{"weft_sweep": 2, "points": []}'],
)
def test_a_folder_without_a_sweep_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "sweep.json").write_text(text, encoding="utf-8")
    with pytest.raises(SweepError, match="no sweep; ./jobs/sweep.sh GRID.yaml"):
        read_points(tmp_path)


@pytest.mark.parametrize(
    "text",
    ["a b", "$(touch x)", "../../x", "; rm -rf", "é", "line\nend", "x" * 300, "a=b", "a,b"],
)
def test_names_are_safe_as_folders_and_unique(text: str) -> None:
    name = point_name({"weft_start": text, "weft_atoms": "3"})
    other = point_name({"weft_start": text + "?", "weft_atoms": "3"})
    assert name != other and len(name) < 200 and "~" in name
    assert not set(name) - set(string.ascii_letters + string.digits + ".+_-=,~")


def test_plain_names_stay_plain() -> None:
    assert point_name({"weft_sparsity": "1e-3", "train.seed": "2"}) == "sparsity=1e-3,train.seed=2"
    assert point_name({}) == "only"


def test_done_points_are_not_run_again_and_others_are(tmp_path: Path, verbs: Verbs) -> None:
    made = plan(tmp_path, verbs)
    assert [point.index for point in made.to_run()] == [0, 1]
    finish(made, 0)
    assert [point.index for point in made.to_run()] == [1]
    for state in ("running", "stopped", "failed"):
        finish(made, 1, state)
        assert [point.index for point in made.to_run()] == [1]
        assert status.state(made.sweep, made.points[1]) == state


def test_done_without_its_files_is_not_done(tmp_path: Path, verbs: Verbs) -> None:
    made = plan(tmp_path, verbs)
    finish(made, 0)
    made.points[0].outputs(made.sweep)[1].unlink()
    assert status.state(made.sweep, made.points[0]) == "missing"


def test_more_values_keep_what_is_done(tmp_path: Path, verbs: Verbs) -> None:
    finish(plan(tmp_path, verbs), 1)
    longer = plan(tmp_path, verbs, GRID.replace("[0.3, 0.5]", "[0.2, 0.3, 0.5, 0.7]"))
    names = [point.name for point in longer.to_run()]
    assert names == ["sparsity=0.2", "sparsity=0.3", "sparsity=0.7"]


def test_another_order_of_options_keeps_what_is_done(tmp_path: Path, verbs: Verbs) -> None:
    finish(plan(tmp_path, verbs), 1)
    other = GRID.replace("seed: 1", "").replace("{weft_it", "{seed: 1, weft_it")
    assert [point.name for point in plan(tmp_path, verbs, other).to_run()] == ["sparsity=0.3"]


def test_done_with_other_steps_is_not_done(tmp_path: Path, verbs: Verbs) -> None:
    made = plan(tmp_path, verbs)
    finish(made, 0)
    path = made.sweep / made.points[0].directory / status.NAME
    path.write_text(path.read_text(encoding="utf-8").replace("softmax", "ridge"), encoding="utf-8")
    assert status.state(made.sweep, made.points[0]) == "missing"


def test_a_training_that_is_added_keeps_the_learning(tmp_path: Path, verbs: Verbs) -> None:
    finish(plan(tmp_path, verbs, "learn: {weft_sparsity: [0.3]}"), 0)
    longer = plan(tmp_path, verbs, "{learn: {weft_sparsity: [0.3]}, train: {}}")
    assert len(longer.to_run()) == 1


@pytest.mark.parametrize(
    "old, new, data, words",
    [
        ("weft_iterations: 80", "weft_iterations: 90", "d.h5", "-weft_iterations was 80 and is 90"),
        ("weft_iterations: 80, ", "", "d.h5", "-weft_iterations was 80 and is not given"),
        ("seed: 1", "seed: 1, weft_atoms: 8", "d.h5", "-weft_atoms was not given and is 8"),
        ("softmax", "ridge", "d.h5", "-weft_train_rule was softmax and is ridge"),
        ("", "", "other.h5", "-data was "),
    ],
)
@pytest.mark.parametrize("state", ["done", "stopped"])
def test_another_sweep_in_the_folder_is_refused(
    tmp_path: Path, verbs: Verbs, old: str, new: str, data: str, words: str, state: str
) -> None:
    finish(plan(tmp_path, verbs), 1, state)
    with pytest.raises(SweepError) as caught:
        plan(tmp_path, verbs, GRID.replace(old, new), data)
    assert f"sparsity=0.5 is there with other settings ({words}" in str(caught.value)
    assert "take another folder" in str(caught.value)


def test_points_that_were_left_out_are_counted(tmp_path: Path, verbs: Verbs) -> None:
    made = plan(tmp_path, verbs)
    assert dropped(made) == 0
    made.sweep.mkdir()
    write_manifest(made.sweep, made.about, list(made.points))
    assert dropped(made) == 0
    assert dropped(plan(tmp_path, verbs, GRID.replace("0.3, ", ""))) == 1


def test_a_file_in_the_way_is_one_line(tmp_path: Path, verbs: Verbs) -> None:
    (tmp_path / "sweep").touch()
    with pytest.raises(SweepError, match="is not a folder"):
        plan(tmp_path, verbs)


def test_the_summary_names_failures(tmp_path: Path, verbs: Verbs) -> None:
    made = plan(tmp_path, verbs)
    finish(made, 0)
    point = made.points[1]
    folder = made.sweep / point.directory
    folder.mkdir(parents=True)
    failed = {"state": "failed", "step": "train", "reason": "no labels", "steps": list(point.steps)}
    write_json(folder / status.NAME, failed)
    lines = status.summary(made.sweep, made.points)
    assert lines[:2] == ["done     1", "failed   1"]
    assert lines[2] == f"failed: sparsity=0.5: train: no labels ({folder / 'log.txt'})"


def test_a_full_disk_keeps_the_file_before(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert json.loads(path.read_text(encoding="utf-8")) == {"a": 1}
