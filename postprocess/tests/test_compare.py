"""Two files side by side: what differs is told, what is the same is not, what agrees is found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from matplotlib.image import imread
from synthetic import gabor_groups, write_network, write_run
from test_runfile import refusal, remove, set_attribute

from weftpost.__main__ import main
from weftpost.compare.agreement import agreement, best_atoms, best_pools
from weftpost.compare.compared import compare, short_names
from weftpost.figures.style import WIDTH
from weftpost.runfile import read_run

SHAPE: dict[str, Any] = {"shape": (9, 9, 1)}
A_OPTIONS = "data: d.h5\no: \"a.h5\"\nweft_atoms: 12\nweft_sparsity: 0.5\nweft_coder_rtol: 1e-3\n"
B_OPTIONS = (
    "data: d.h5\no: b.h5\nweft_atoms: 12\nweft_sparsity: 0.25\n"
    "weft_coder_rtol: 0.001\nweft_share: 4\n"
)


def set_options(path: Path, text: str) -> None:
    with h5py.File(path, "a") as file:
        file["options"] = text


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    a = write_run(tmp_path / "a.h5", gabor_groups((9, 9), 1, 6, 2, seed=1), 2, **SHAPE)
    b = write_run(tmp_path / "b.h5", gabor_groups((9, 9), 1, 8, 2, seed=2), 2, **SHAPE)
    set_options(a, A_OPTIONS)
    set_options(b, B_OPTIONS)
    return a, b


def test_only_what_differs_is_told(
    pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    set_attribute("git", "1234567")(pair[0])
    set_attribute("git", "89abcde")(pair[1])
    assert main(["compare", *map(str, pair)]) == 0
    told = capsys.readouterr().out
    lines = {line.split()[0]: line.split()[1:] for line in told.splitlines() if line.strip()}
    assert lines["weft_sparsity"] == ["0.5", "0.25"]
    assert lines["weft_share"] == ["not", "there", "4"]
    assert lines["git"] == ["1234567", "89abcde"]
    assert not {"data", "o", "weft_atoms", "weft_coder_rtol"} & set(lines)
    assert lines["alive"] == ["groups", "6", "8", "+2", "+33.3", "%"]
    picture = pair[0].parent / "a-vs-b.png"
    assert told.splitlines()[-1] == str(picture)
    image = imread(picture)[:, :, :3]
    assert image.shape[1] == WIDTH and (image[100:] < 0.9).any(axis=-1).mean() > 0.002


def test_json_is_one_object(pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *map(str, pair), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["options"] == {"weft_sparsity": ["0.5", "0.25"], "weft_share": ["", "4"]}
    assert found["metrics"]["alive_groups"] == {"a": 6, "b": 8, "difference": 2}
    assert found["metrics"]["bits"] == {"a": None, "b": None, "difference": None}
    assert 0 < found["agreement"]["a_in_b"]["pools, median"] < 1
    assert found["a"] == {"path": str(pair[0]), "kind": "run", "complete": True}


def test_the_same_twice_agrees_in_full(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = write_run(tmp_path / "a.h5", gabor_groups((9, 9), 1, 6, 2), 2, **SHAPE)
    assert main(["compare", str(run), str(run)]) == 0
    told = capsys.readouterr().out
    assert "all the same" in told and "1.000" in told
    layer = read_run(run).layer
    found = agreement(layer, layer)
    assert found.pools == pytest.approx(1, abs=1e-6) and found.atoms == pytest.approx(1, abs=1e-6)
    assert np.median(found.pools_by_chance) < 0.5


def test_pools_of_one_plane_are_alike_however_they_are_turned() -> None:
    rng = np.random.default_rng(0)
    plane = np.linalg.qr(rng.normal(size=(30, 4)))[0]
    turn = np.linalg.qr(rng.normal(size=(2, 2)))[0]
    own = plane[:, :2]
    others = np.concatenate([plane[:, 2:], 3 * own @ turn], axis=1)
    assert best_pools(own, 2, others, 2) == pytest.approx([1])
    assert best_pools(own, 2, plane[:, 2:], 2) == pytest.approx([0], abs=1e-12)
    # Half of the plane: cosine of diag(1, 1) and diag(1, 0).
    assert best_pools(own, 2, own[:, :1], 1) == pytest.approx([np.sqrt(0.5)])
    # A pool of copies is that of one atom.
    assert best_pools(np.repeat(own[:, :1], 4, axis=1), 4, own[:, :1], 1) == pytest.approx([1])


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    own, others = (gabor_groups((8, 8), 1, 20, 3, seed=s) for s in (1, 2))
    whole = best_pools(own, 3, others, 3), best_atoms(own, others)
    monkeypatch.setattr("weftpost.compare.agreement.BLOCK", 7)
    parts = best_pools(own, 3, others, 3), best_atoms(own, others)
    for one, other in zip(whole, parts):
        assert one == pytest.approx(other)
    units = [atoms / np.linalg.norm(atoms, axis=0) for atoms in (own, others)]
    products = np.abs(units[0].T @ units[1])
    assert whole[1] == pytest.approx(products.max(axis=1))


def test_removed_groups_take_no_part(tmp_path: Path) -> None:
    atoms = gabor_groups((9, 9), 1, 6, 2)
    a = write_run(tmp_path / "a.h5", atoms, 2, removed=(1, 4), **SHAPE)
    with h5py.File(a, "a") as file:
        file["layers/0/dictionary"][:, 2:4] = 1.0  # atoms that a removed group should not have
    b = write_run(tmp_path / "b.h5", atoms, 2, removed=(0,), **SHAPE)
    found = compare(a, b).matches
    assert found is not None
    assert len(found[0].pools) == 4 and len(found[1].pools) == 5
    assert (found[0].pools > 0.999).sum() == 3  # group 0 of A has no equal in B


def test_other_inputs_and_nothing_alive(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = write_run(tmp_path / "a.h5", gabor_groups((9, 9), 1, 6, 2), 2, **SHAPE)
    b = write_run(tmp_path / "b.h5", gabor_groups((8, 8), 1, 6, 2), 2, shape=(8, 8, 1))
    c = write_run(tmp_path / "c.h5", gabor_groups((9, 9), 1, 2, 2), 2, removed=(0, 1), **SHAPE)
    remove("history")(c)
    assert main(["compare", str(a), str(b)]) == 0
    assert "different inputs" in capsys.readouterr().out
    assert main(["compare", str(a), str(c), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["agreement"]
    assert found["a_in_b"]["pools, median"] == 0 and found["b_in_a"]["pools, median"] is None


def test_two_networks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = write_network(tmp_path / "a.h5", 0.8, weights=1000)
    b = write_network(tmp_path / "b.h5", 0.9, weights=1500)
    assert main(["compare", str(a), str(b), "-o", str(tmp_path / "out")]) == 0
    told = capsys.readouterr().out
    lines = {line[:18].strip(): line[18:].split() for line in told.splitlines()}
    row = next(words for name, words in lines.items() if name.startswith("test accuracy"))
    assert row[-4:-1] == ["0.9000", "+0.1000", "+12.5"]
    assert (tmp_path / "out" / "a-vs-b.png").is_file()


def test_a_run_and_a_network_are_no_pair(
    pair: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = write_network(tmp_path / "net.h5")
    line = refusal(["compare", str(pair[0]), str(network)], capsys)
    assert str(network) in line and "network" in line
    line = refusal(["compare", str(pair[0]), str(tmp_path / "none.h5")], capsys)
    assert "none.h5: no such file" in line


@pytest.mark.parametrize(
    "first, second, names",
    [
        ("x/a.h5", "x/b.h5", ("a", "b")),
        ("one/run.h5", "two/run.h5", ("one", "two")),
        ("one/p/run.h5", "two/p/run.h5", ("one", "two")),
        ("a.h5", "a.h5", ("a", "a")),
    ],
)
def test_names_tell_the_files_apart(first: str, second: str, names: tuple[str, str]) -> None:
    assert short_names(Path(first), Path(second)) == names
