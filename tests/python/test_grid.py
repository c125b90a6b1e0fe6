from __future__ import annotations

from pathlib import Path

import pytest
from weftsweep.errors import SweepError
from weftsweep.grid import Grid, read_grid
from weftsweep.options import Verb

Verbs = dict[str, Verb]


def grid(folder: Path, verbs: Verbs, text: str) -> Grid:
    path = folder / "g.yaml"
    path.write_text(text, encoding="utf-8")
    return read_grid(path, verbs)


def test_the_full_grid_in_the_order_of_the_file(tmp_path: Path, verbs: Verbs) -> None:
    text = "learn: {weft_sparsity: [0.30, 1e-1], weft_iterations: 80, weft_atoms: [64, 128]}"
    found = grid(tmp_path, verbs, text)
    assert [tuple(values.values()) for values in found.points(10)] == [
        ("0.30", "64"),
        ("0.30", "128"),
        ("1e-1", "64"),
        ("1e-1", "128"),
    ]
    assert list(found.axes) == ["weft_sparsity", "weft_atoms"]
    assert found.fixed == {"weft_iterations": "80"}


def test_a_list_of_one_is_varied_and_a_value_is_not(tmp_path: Path, verbs: Verbs) -> None:
    found = grid(tmp_path, verbs, "learn: {weft_sparsity: [0.3], weft_atoms: 64}")
    assert found.points(10) == [{"weft_sparsity": "0.3"}]


def test_nothing_varied_is_one_point(tmp_path: Path, verbs: Verbs) -> None:
    assert grid(tmp_path, verbs, "learn: {weft_atoms: 64}").points(10) == [{}]
    assert grid(tmp_path, verbs, "learn:").points(10) == [{}]


def test_only_options_of_whole_numbers_are_rounded(tmp_path: Path, verbs: Verbs) -> None:
    text = """
learn:
  weft_atoms: {linear: [1, 2], points: 5}
  weft_width_penalty: {linear: [0, 1], points: 3}
  weft_epochs: {linear: [1, 2], points: 3}
"""
    axes = grid(tmp_path, verbs, text).axes
    assert axes["weft_atoms"].values() == ["1", "2"]
    assert axes["weft_width_penalty"].values() == ["0", "0.5", "1"]
    assert axes["weft_epochs"].values() == ["1", "1.5", "2"]


def test_constraints_see_varied_fixed_and_default_values(tmp_path: Path, verbs: Verbs) -> None:
    text = """
learn: {weft_atoms: [64, 128, 512], weft_layers: 2}
train: {seed: [1, 2]}
where: [weft_atoms / weft_group_size >= 32, weft_atoms * weft_layers < 300, train.seed != seed]
"""
    found = grid(tmp_path, verbs, text)
    assert found.points(10) == [{"weft_atoms": "128", "train.seed": "2"}]


def test_train_options_have_a_prefix_unless_the_name_has(tmp_path: Path, verbs: Verbs) -> None:
    text = "{learn: {seed: [1]}, train: {seed: [1], weft_train_epochs: [2]}}"
    assert list(grid(tmp_path, verbs, text).axes) == ["seed", "train.seed", "weft_train_epochs"]


def test_layers_have_options_of_their_own(tmp_path: Path, verbs: Verbs) -> None:
    found = grid(tmp_path, verbs, "learn: {layer1_weft_atoms: {linear: [10, 11], points: 3}}")
    assert found.axes["layer1_weft_atoms"].values() == ["10", "11"]


RANDOM = """
learn:
  weft_sparsity: {uniform: [0.2, 0.8]}
  weft_connectivity_penalty: {log: [0.01, 1]}
  weft_atoms: {uniform: [64, 128]}
  weft_group_size: [2, 4, 8]
where: weft_atoms %% weft_group_size == 0
random: {draws: %s, seed: %s}
"""
EXPECTED_DRAWS = [
    ["0.337257", "0.777215", "122", "2"],
    ["0.215268", "0.121011", "124", "4"],
    ["0.32996", "0.0698607", "66", "2"],
]


def test_the_same_seed_draws_the_same_points_anywhere(tmp_path: Path, verbs: Verbs) -> None:
    """These were drawn once and stay: Python promises the numbers of its Random.random()."""
    first = [list(values.values()) for values in grid(tmp_path, verbs, RANDOM % (3, 1)).points(10)]
    assert first == EXPECTED_DRAWS
    longer = grid(tmp_path, verbs, RANDOM % (6, 1)).points(10)
    assert [list(values.values()) for values in longer[:3]] == first
    other = grid(tmp_path, verbs, RANDOM % (3, 2)).points(10)
    assert [list(values.values()) for values in other] != first




def test_draws_are_different_points_and_hold_the_constraints(tmp_path: Path, verbs: Verbs) -> None:
    points = grid(tmp_path, verbs, RANDOM % (40, 3)).points(40)
    assert len({tuple(values.values()) for values in points}) == 40
    assert all(int(v["weft_atoms"]) % int(v["weft_group_size"]) == 0 for v in points)


def test_a_million_points_are_refused_at_once(tmp_path: Path, verbs: Verbs) -> None:
    text = """
learn:
  weft_sparsity: {linear: [0.1, 0.9], points: 100000000000}
  weft_atoms: {linear: [1, 1000], points: 1000}
"""
    with pytest.raises(SweepError) as caught:
        grid(tmp_path, verbs, text).points(1000)
    axes = "weft_sparsity 100000000000 x weft_atoms 1000"
    assert f"100000000000000 points ({axes})" in str(caught.value)
    assert "--most 100000000000000" in str(caught.value)


def test_draws_count_too(tmp_path: Path, verbs: Verbs) -> None:
    with pytest.raises(SweepError, match="1000000 points .random: draws., more than 1000"):
        grid(tmp_path, verbs, RANDOM % (1000000, 1)).points(1000)


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "no sections; write learn:"),
        ("[1, 2]", "no sections"),
        ("learn: {", "line 1, column 9"),
        ("learn: {weft_atoms: [1], weft_atoms: [2]}", "line 1, column 26: weft_atoms stands twice"),
        ("learn: {}\nlearn: {}", "line 2, column 1: learn stands twice"),
        ("learn: {weft_atoms: 1, -weft_atoms: 2}", "weft_atoms stands twice"),
        ("learn: !!python/object/apply:os.system [ls]", "options are wanted, each as name: value"),
        ("learn: &a {weft_atoms: *a}", "line 1"),
        ("learn: {[1]: 2}", "a key is not a word"),
        ("lern: {}", "lern: no such section; there are learn, train, where, random"),
        ("train: {}", "no section learn:"),
        ("learn: 3", "learn: options are wanted, each as name: value"),
        ("learn: {weft_atms: 3}", "weft_atms: no option of weft learn; did you mean weft_atoms?"),
        ("learn: {qqqqq: 3}", "qqqqq: no option of weft learn (weft learn -help lists all)"),
        ("learn: {weft_train_epochs: 3}", "weft_train_epochs: no option of weft learn"),
        ("learn: {layer1_weft_atms: 3}", "layer1_weft_atms: no option of weft learn"),
        ("learn: {layer1_seed: 3}", "layer1_seed: no option of weft learn"),
        ("{learn: {}, train: {layer1_weft_atoms: 3}}", "layer1_weft_atoms: no option of"),
        ("learn: {data: x.h5}", "data: the sweep sets it itself; give it as ./jobs/sweep.sh"),
        ("learn: {o: x.h5}", "o: the sweep sets it itself; leave it out"),
        ("{learn: {}, train: {structure: x.h5}}", "structure: the sweep sets it itself"),
        ("learn: {resume: true}", "resume: the sweep sets it itself"),
        ("learn: {-check: true}", "check: the sweep sets it itself"),
        ("learn: {options_file: x.yaml}", "put its lines into the grid"),
        ("learn: {weft_atoms: }", "weft_atoms: has no value"),
        ("learn: {weft_atoms: []}", "weft_atoms: the list is empty"),
        ("learn: {weft_atoms: [3, [4]]}", "a value or a flat list of values is wanted"),
        ("learn: {weft_atoms: [3, {linear: [1, 2], points: 2}]}", "a value or a flat list"),
        ("learn: {weft_start: -check}", "weft_start: -check: weft would take it for an option"),
        ("learn: {weft_start: [dense, --o]}", "--o: weft would take it for an option"),
        ('learn: {weft_start: "a\\0b"}', "a value cannot hold a zero byte"),
        ("learn: {weft_atoms: {linear: [2, 1], points: 3}}", "linear [2, 1] is empty"),
        ("{learn: {weft_atoms: 1}, where: [weft_atms > 1]}", "weft_atms is neither in the grid"),
        ("{learn: {weft_atoms: 1}, where: [weft_epochs > 1]}", "weft_epochs is neither in"),
        ("{learn: {weft_atoms: 1}, where: [weft_train_epochs > 1]}", "weft_train_epochs is"),
        ("{learn: {weft_atoms: 1}, where: [[1]]}", "where: a value or a flat list"),
        ("{learn: {weft_atoms: 1}, where: weft_atoms >}", "not an expression"),
        ("{learn: {weft_atoms: [1]}, random: 20}", "random: {draws: N, seed: S} is wanted"),
        ("{learn: {weft_atoms: [1]}, random: {draws: 0}}", "random: {draws: N, seed: S} is wanted"),
        ("{learn: {weft_atoms: [1]}, random: {draws: 1%s}}" % (18 * "0"), "draws is too large"),
        ("{learn: {weft_atoms: [1]}, random: {draws: 2, seed: x}}", "random: {draws: N, seed: S}"),
        ("{learn: {weft_atoms: [1]}, random: {draws: 2, sed: 1}}", "random: {draws: N, seed: S}"),
        ("{learn: {weft_atoms: 1}, random: {draws: 2}}", "random: nothing is varied"),
    ],
)
def test_a_bad_grid_is_one_line(tmp_path: Path, verbs: Verbs, text: str, words: str) -> None:
    with pytest.raises(SweepError) as caught:
        grid(tmp_path, verbs, text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value) and "g.yaml" in str(caught.value)


@pytest.mark.parametrize(
    "text, words",
    [
        ("{learn: {weft_atoms: [1, 2]}, where: [weft_atoms > 2]}", "left by 'weft_atoms > 2'"),
        ("{learn: {weft_atoms: [1, 2]}, where: [weft_start > 2]}", "a number and a word meet"),
        ("{learn: {weft_atoms: [1, 2]}, where: [weft_atoms > 2], random: {draws: 1}}", "is left"),
        ("{learn: {weft_atoms: [1, 2]}, random: {draws: 3}}", "to be 2 different points, not 3"),
    ],
)
def test_no_points_is_one_line(tmp_path: Path, verbs: Verbs, text: str, words: str) -> None:
    with pytest.raises(SweepError) as caught:
        grid(tmp_path, verbs, text).points(1000)
    assert words in str(caught.value)


def test_a_file_that_is_none_is_one_line(tmp_path: Path, verbs: Verbs) -> None:
    with pytest.raises(SweepError, match="No such file"):
        read_grid(tmp_path / "none.yaml", verbs)
    with pytest.raises(SweepError, match="Is a directory"):
        read_grid(tmp_path, verbs)
    (tmp_path / "b.yaml").write_bytes(b"learn: \xff")
    with pytest.raises(SweepError, match="UTF-8"):
        read_grid(tmp_path / "b.yaml", verbs)
    (tmp_path / "c.yaml").write_bytes(b"#" * 2000000)
    with pytest.raises(SweepError, match="larger than"):
        read_grid(tmp_path / "c.yaml", verbs)
