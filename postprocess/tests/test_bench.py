"""bench: what `weft bench coder` wrote, beside scikit-learn on a small problem made here."""

from __future__ import annotations

import json
import stat
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from matplotlib.image import imread
from test_runfile import refusal

from weftpost.__main__ import main
from weftpost.bench import table
from weftpost.bench.peer import Peer, environment
from weftpost.bench.result import Rate, read_bench
from weftpost.bench.turns import LAST, Comparison, _medians, _search
from weftpost.figures import rates as rates_figure

GEMM = 50_000.0
BLAS = "OpenBLAS Haswell"


def optimum(x: np.ndarray, atoms: np.ndarray, penalty: float) -> np.ndarray:
    """Accelerated proximal gradient with restarts in double, to where nothing moves any more."""
    gram, start = atoms @ atoms.T, x @ atoms.T
    step = 1 / np.linalg.eigvalsh(gram)[-1]
    z = last = y = np.zeros_like(start)
    t = 1.0
    for _ in range(20_000):
        moved = y - step * (y @ gram - start)
        z = np.sign(moved) * np.maximum(np.abs(moved) - step * penalty, 0)
        if ((y - z) * (z - last)).sum() > 0:
            t = 1.0
        t_next = (1 + np.sqrt(1 + 4 * t * t)) / 2
        y, last, t = z + (t - 1) / t_next * (z - last), z, t_next
    fit = x - z @ atoms
    return 0.5 * (fit**2).sum(axis=1) + penalty * np.abs(z).sum(axis=1)


@pytest.fixture(scope="module")
def problem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(5)
    atoms = rng.normal(size=(24, 12)).astype(np.float32)
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    x = rng.normal(size=(40, 12)).astype(np.float32)
    path = tmp_path_factory.mktemp("problem") / "problem.h5"
    with h5py.File(path, "w") as file:
        file["X"], file["D"], file["lambda_L"] = x, atoms, 0.3
        file["pstar_L"] = optimum(x.astype(float), atoms.astype(float), 0.3)
    return path


def entry(problem: str, target: float, rate: float, **more: Any) -> dict[str, Any]:
    names = {"problem": problem, "coder": "bcd", "precision": "single", "threads": 1}
    gaps = {"target_gap": target, "mean_gap": target / 10, "max_gap": target / 2}
    speed = {"samples_per_cpu_second": rate, "samples_per_second": rate, "peak_bytes": 1}
    return {**names, **gaps, **speed, **more}


def write_json(path: Path, **changes: Any) -> Path:
    content: dict[str, Any] = {
        "machine": "a machine",
        "blas": BLAS,
        "gemm_samples_per_second": GEMM,
        "results": [
            entry("L", 1e-3, 900.0, samples_per_cpu_second_range=[800.0, 1000.0]),
            entry("L", 1e-5, 700.0),
            entry("G", 1e-3, 1500.0),
        ],
    }
    path.write_text(json.dumps({**content, **changes}))
    return path


def comparison(rates: list[Rate], tmp_path: Path) -> Comparison:
    bench = read_bench(write_json(tmp_path / "b.json"))
    return Comparison(bench, rates, False, GEMM, ["openblas"])


def test_file_is_read(tmp_path: Path) -> None:
    bench = read_bench(write_json(tmp_path / "coder.json"))
    assert (bench.gemm, bench.blas, bench.samples) == (GEMM, BLAS, None)
    assert bench.targets("L") == [1e-3, 1e-5] and bench.targets("G") == [1e-3]
    assert bench.coders() == [("bcd", "single")]
    first = bench.rates()[0]
    assert (first.rate, min(first.rates), max(first.rates)) == (900, 800, 1000)
    more = {"gemm_samples_per_cpu_second": 7, "samples": 9}
    expected = replace(bench, gemm=7.0, samples=9)
    assert read_bench(write_json(tmp_path / "c.json", **more)) == expected


BAD: dict[str, tuple[str, str]] = {
    "text": ("hello", "not JSON"),
    "list": ("[]", "not what"),
    "none": ('{"results": [], "gemm_samples_per_second": 1}', "no results"),
    "gemm": (json.dumps({"results": [entry("L", 1e-3, 1.0)]}), "gemm_samples_per_second"),
    "rate": (json.dumps({"results": [entry("L", 1e-3, None)]}), "samples_per_cpu_second"),
    "gap": (json.dumps({"results": [entry("L", float("nan"), 1.0)]}), "target_gap"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_json_is_refused(
    case: str, tmp_path: Path, problem: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content, words = BAD[case]
    path = tmp_path / "coder.json"
    path.write_text(content)
    line = refusal(["bench", str(path), "--problem", str(problem)], capsys)
    assert str(path) in line and words in line


def test_bad_problem_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result, path = write_json(tmp_path / "coder.json"), tmp_path / "problem.h5"
    command = ["bench", str(result), "--problem", str(path)]
    assert "no such file" in refusal(command, capsys)
    path.write_text("hello")
    assert "not an HDF5 file" in refusal(command, capsys)
    with h5py.File(path, "w") as file:
        file["X"], file["D"], file["lambda_L"] = np.ones((4, 3)), np.ones((5, 3)), 0.1
    assert "/pstar_L" in refusal(command, capsys)
    with h5py.File(path, "a") as file:
        file["pstar_L"] = np.ones(5)
    assert "do not fit" in refusal(command, capsys)


def test_no_json_no_comparison(
    tmp_path: Path, problem: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "none.json"
    assert str(missing) in refusal(["bench", str(missing), "--problem", str(problem)], capsys)
    assert "--problem" in refusal(["bench", str(missing)], capsys)


def test_blas_of_the_other_process_is_that_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Prescott")
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    settings = environment("OpenBLAS SkylakeX")
    assert (settings["OPENBLAS_CORETYPE"], settings["OMP_NUM_THREADS"]) == ("SkylakeX", "1")
    assert environment("libmkl_rt.so.2")["OPENBLAS_CORETYPE"] == "Prescott"


@pytest.mark.parametrize("wanted", [0, 1, LAST // 2, LAST])
def test_search_finds_the_loosest(wanted: int) -> None:
    assert _search(lambda step: step >= wanted) == wanted
    assert _search(lambda step: False) == LAST


def test_medians_take_each_run_once(tmp_path: Path) -> None:
    runs = [
        read_bench(write_json(tmp_path / "r.json", results=[entry("L", 1e-3, rate)]))
        for rate in (5.0, 1.0, 3.0)
    ]
    (rate,) = _medians(runs)
    assert rate.rates == (5, 1, 3) and rate.rate == 3


def test_table_and_picture_tell_what_was_not_reached(tmp_path: Path) -> None:
    rates = [
        Rate("L", 1e-5, "Weft bcd, single", 1e-6, 1e-6, (10.0, 30.0, 20.0)),
        Rate("G", 1e-3, "Weft bcd, single", 1e-4, 1e-4, (50_000.0,)),
        Rate("L", 1e-3, "other (tol 1)", 0.1, 0.2, ()),
    ]
    found = comparison(rates, tmp_path)
    rows = table.rows(found)
    assert [row[:2] for row in rows] == [("L", "1e-03"), ("L", "1e-05"), ("G", "1e-03")]
    assert rows[0][5:] == ("not reached", "", "")
    assert rows[1][5:] == ("20", "10 to 30", "0.0004") and rows[2][7] == "1.0000"
    lines = table.as_markdown(found).splitlines()
    assert [line.count("|") for line in lines[:5]] == [9] * 5
    assert "no group-sparse solver" in table.as_text(found)
    figure = rates_figure.draw(found)
    words = [text.get_text() for text in figure.axes[0].texts]
    assert sorted(words) == ["20", "50,000", "not reached", "scikit-learn has no solver"]
    heights = {patch.get_height() for patch in figure.axes[0].patches}
    assert {20.0, 50_000.0} <= heights


def test_gaps_of_scikit_learn_are_the_true_ones(problem: Path) -> None:
    pytest.importorskip("sklearn")
    with h5py.File(problem, "r") as file:
        x, best = file["X"][:].astype(float), file["pstar_L"][:]
    with Peer(problem, 30, "") as peer:
        assert peer.samples == 30 and peer.gemm() > 0
        loose = peer.solve("Lasso", 0.5)
        for solver in ("Lasso", "Lasso with Gram", "lasso_lars"):
            close = peer.solve(solver, 1e-6)
            assert abs(close["mean_gap"]) < 1e-6 and close["max_gap"] < 1e-5
            assert close["rate"] == pytest.approx(30 / close["cpu"])
        assert loose["mean_gap"] > 1e-5
        # With a tolerance so wide that the codes stay zero, the objective is half the square of x.
        zero = 0.5 * (x[:30] ** 2).sum(axis=1) - best[:30]
        nothing = peer.solve("Lasso", 1e9)["mean_gap"]
        assert 0 <= nothing <= zero.sum() / best[:30].sum() + 1e-9


def test_compared(tmp_path: Path, problem: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("sklearn")
    result = write_json(tmp_path / "coder.json")
    out = tmp_path / "new"
    command = ["bench", str(result), "--problem", str(problem), "--repeats", "2", "-o", str(out)]
    assert main(command) == 0
    paths = [out / f"coder-compared.{kind}" for kind in ("md", "json", "png")]
    assert capsys.readouterr().out.splitlines()[-3:] == [str(path) for path in paths]
    assert imread(paths[2]).shape[:2] == (720, 1600)
    rows = json.loads(paths[1].read_text())["results"]
    for target in (1e-3, 1e-5):
        (found,) = (r for r in rows if r["target_gap"] == target and "Lasso" in r["solver"])
        assert 0 <= found["mean_gap"] + 1e-6 and found["mean_gap"] <= target
        assert found["max_gap"] <= 10 * target and found["samples_per_cpu_second"] > 0
    assert sum("lasso_lars" in row["solver"] for row in rows) == 2
    assert not any("scikit" in row["solver"] for row in rows if row["problem"] == "G")


def test_wrong_optimum_is_refused(
    tmp_path: Path, problem: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sklearn")
    path = tmp_path / "problem.h5"
    path.write_bytes(problem.read_bytes())
    with h5py.File(path, "a") as file:
        file["pstar_L"][:] *= 1.1
    result = write_json(tmp_path / "coder.json")
    assert main(["bench", str(result), "--problem", str(path)]) == 2
    assert "pstar_L" in capsys.readouterr().err


PROGRAM = """#!{python}
import json, os, sys
with open({log!r}, "a") as log:
    print(*sys.argv[1:], os.environ["OPENBLAS_CORETYPE"], file=log)
path = sys.argv[sys.argv.index("-json") + 1]
turn = len(open({log!r}).read().splitlines())
content = json.load(open({result!r}))
content["gemm_samples_per_second"] = 1000.0 * turn
for entry in content["results"]:
    entry["samples_per_cpu_second"] = 10.0 * turn
json.dump(content, open(path, "w"))
sys.exit(3 if turn > 3 else 0)
"""


def test_weft_is_measured_in_turn(
    tmp_path: Path, problem: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sklearn")
    result, log = write_json(tmp_path / "coder.json", samples=35), tmp_path / "log"
    weft = tmp_path / "weft"
    weft.write_text(PROGRAM.format(python=sys.executable, log=str(log), result=str(result)))
    command = ["bench", str(result), "--problem", str(problem), "--weft", str(weft)]
    assert main(command) == 2  # it cannot be run
    assert str(weft) in capsys.readouterr().err
    weft.chmod(weft.stat().st_mode | stat.S_IXUSR)
    assert main(command) == 0
    calls = log.read_text().splitlines()
    assert len(calls) == 3
    for words in (f"bench coder -problem {problem}", "-repeats 1", "-weft_coder_type bcd"):
        assert all(words in call for call in calls)
    assert all("-gaps 0.001,1e-05 -samples 35 Haswell" in call for call in calls)
    compared = json.loads((tmp_path / "coder-compared.json").read_text())
    assert compared["in_turn"] and compared["gemm_samples_per_cpu_second"] == 2000
    own = [row for row in compared["results"] if "Weft" in row["solver"]]
    assert [row["samples_per_cpu_second"] for row in own] == [20, 20, 20]
    assert own[0]["samples_per_cpu_second_range"] == [10, 30]
    assert main(command) == 2 and "status 3" in capsys.readouterr().err
