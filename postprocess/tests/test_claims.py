"""claims: rank correlation, the driver, and the table of what was planted into its files."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from matplotlib.image import imread
from synthetic import gabor_groups, write_run
from test_cnn import write_data
from test_runfile import refusal

from weftpost.__main__ import main
from weftpost.claims import plan
from weftpost.claims.depth import Depth
from weftpost.claims.drive import Drive, is_done
from weftpost.claims.found import FirstLayer
from weftpost.claims.plan import Step, read_plan, read_structures, steps_of, write_plan
from weftpost.claims.rank import correlate, ranks, spearman
from weftpost.claims.structure import changes_of, shifted
from weftpost.geometry import Picture
from weftpost.peer.result import Result, write_result

INPUTS = Path(__file__).resolve().parents[2] / "inputs" / "claims"
SIDE, P = 16, 2
BITS = {"dense": 5.0, "sparse": 6.0, "local": 9.0, "principal": 12.0, "exemplars": 11.0}
BITS |= {"learned-10": 14.0, "learned-40": 18.0, "learned": 20.0}
ACCURACY = {"learned": 0.91, "learned-random-weights": 0.90, "random-mask": 0.88, "dense": 0.89}
ACCURACY |= {"mlp": 0.895, "learned, shared": 0.915, "cnn": 0.918, "peer": 0.909}


# ---- rank correlation ----


def test_ranks_share_ties() -> None:
    assert ranks(np.array([3.0, 1.0, 3.0, 7.0])).tolist() == [2.5, 1, 2.5, 4]
    both = ranks(np.array([[1.0, 2.0], [5.0, 4.0]]))
    assert both.tolist() == [[1, 2], [2, 1]]


def test_spearman_is_what_it_should_be() -> None:
    x = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    assert spearman(x, np.exp(x)) == pytest.approx(1)
    assert spearman(x, -x) == pytest.approx(-1)
    # 1 - 6 sum d^2 / (n (n^2 - 1)) with d = 1, -1, 1, -1, 0
    assert spearman(x, np.array([2.0, 1.0, 4.0, 3.0, 5.0])) == pytest.approx(1 - 24 / 120)
    assert np.isnan(spearman(x, np.ones(5)))


def test_interval_covers_and_narrows() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=400)
    y = x + rng.normal(size=400)
    few, many = correlate(x[:30], y[:30]), correlate(x, y)
    assert few.low < few.rho < few.high and many.low < many.rho < many.high
    assert many.high - many.low < 0.5 * (few.high - few.low)
    assert correlate(x, y) == many and many.count == 400


# ---- shifts ----


@pytest.mark.parametrize("order", ["planes", "interleaved"])
def test_shift_moves_pictures(order: str) -> None:
    picture = Picture(5, 4, 2, order)
    x = np.random.default_rng(0).normal(size=(3, 40))
    layer = FirstLayer(np.eye(40), np.ones(40, bool), np.zeros(40), np.eye(40), 1e-3, 0.0, picture)
    before = [picture.unfold(row) for row in x]
    after = [picture.unfold(row) for row in shifted(layer, x, 1, -2)]
    for old, new in zip(before, after):
        assert (new[1:, :-2] == old[:-1, 2:]).all()  # one down, two to the left
        assert (new[0, :-2] == old[0, 2:]).all() and (new[1:, -1] == old[:-1, -1]).all()


def test_pools_of_phases_change_less() -> None:
    """Groups of shared place and orientation and other phases, as energy models have them."""
    atoms = gabor_groups((20, 20), 1, 40, 4)
    d = len(atoms)
    layer = FirstLayer(
        atoms, np.ones(40, bool), np.zeros(d), np.eye(d), 1e-3, 0.0, Picture(20, 20, 1)
    )
    rng = np.random.default_rng(1)
    smooth = rng.normal(size=(200, 20, 20))
    for axis in (1, 2):
        smooth = smooth + np.roll(smooth, 1, axis) + np.roll(smooth, 2, axis)
    change = changes_of(layer, smooth.reshape(200, -1))
    assert change[1]["pooled"] < 0.8 * change[1]["random pools"]
    assert change[1]["pooled"] < 0.8 * change[1]["single"]
    assert change[1]["pooled"] < change[2]["pooled"]


# ---- depth ----


def test_rule_and_accuracy_stop_where_they_gain_too_little() -> None:
    bits = np.array([[100.0, 110.0, 110.5, 130.0], [100.0, 104.0, 108.0, 108.0]])
    accuracy = {1: [0.90, 0.91], 2: [0.908, 0.912], 3: [0.909, 0.912], 4: [0.95, 0.95]}
    depth = Depth(bits, 0.01, accuracy)
    assert depth.rule_stops() == [2, 3]  # what comes after a stop does not count
    assert depth.accuracy_stops() == 2
    assert Depth(bits, 0.5, accuracy).rule_stops() == [1, 1]


# ---- the plan and the driver ----


def test_plan_asks_for_enough() -> None:
    steps = steps_of("fm", "/fm.h5", INPUTS)
    structures = [s for s in steps if s.about["claim"] == "a" and s.about["makes"] == "run"]
    assert len(structures) >= 24 and len({s.about["atoms"] for s in structures}) >= 3
    assert len({step.output for step in steps}) == len(steps)
    made = {step.output for step in steps} | {"/fm.h5"}
    assert all(need in made for step in steps for need in step.needs)
    for word in (word for step in steps for word in step.command if word.endswith(".yaml")):
        assert Path(word).is_file(), word


def test_structures_are_read(tmp_path: Path) -> None:
    path = tmp_path / "information.txt"
    path.write_text("# words\n\ndense atoms=8 start=dense # more\n")
    assert read_structures(path) == [("dense", {"atoms": "8", "start": "dense"})]
    for wrong in ("dense start=dense", "dense atoms", "dense atoms="):
        path.write_text(wrong)
        with pytest.raises(plan.UserError, match="line 1"):
            read_structures(path)


def drive(directory: Path, steps: list[Step], said: list[str]) -> Drive:
    write = "import sys, h5py; f = h5py.File(sys.argv[1], 'w'); f.attrs['complete'] = int(sys.argv[2])"
    words = {"WRITE": [sys.executable, "-c", write]}
    return Drive(directory, steps, words, 2, said.append)


def test_driver_keeps_order_and_goes_on(tmp_path: Path) -> None:
    first = Step("a/one.h5", ("WRITE", "a/one.h5", "1"), (), 1)
    second = Step("a/two.h5", ("WRITE", "a/two.h5", "1"), ("a/one.h5",), 1)
    said: list[str] = []
    assert drive(tmp_path, [second, first], said).run()
    assert [line.split()[1] for line in said] == ["a/one:", "a/two:"] and "min left" in said[0]
    (tmp_path / "a" / "two.h5").unlink()
    before = (tmp_path / "a" / "one.h5").stat().st_mtime_ns
    said.clear()
    assert drive(tmp_path, [second, first], said).run()
    assert "1 of 2 steps are done already" in said[0] and len(said) == 2
    assert (tmp_path / "a" / "one.h5").stat().st_mtime_ns == before


def test_driver_tells_failures_and_takes_no_checkpoint(tmp_path: Path) -> None:
    checkpoint = Step("c.h5", ("WRITE", "c.h5", "0"), (), 1)
    wrong = Step("w.h5", (sys.executable, "-c", "raise SystemExit('no room')"), (), 1)
    after = Step("x.h5", ("WRITE", "x.h5", "1"), ("w.h5",), 1)
    said: list[str] = []
    run = drive(tmp_path, [checkpoint, wrong, after], said)
    assert not run.run() and set(run.failed) == {"c.h5", "w.h5"}
    assert any("no room" in line for line in said)
    assert not is_done(tmp_path / "c.h5") and not (tmp_path / "x.h5").exists()


def test_time_left_follows_what_was_met(tmp_path: Path) -> None:
    steps = [Step(f"{i}.h5", (), (), 10) for i in range(5)]
    run = drive(tmp_path, steps, [])
    assert run.seconds_left() == pytest.approx(5 * 10 / 2)
    run.done, run.spent, run.expected = {"0.h5"}, 30.0, 10.0
    assert run.seconds_left() == pytest.approx(3 * 4 * 10 / 2)


# ---- the table ----


def plant_run(path: Path, bits: list[float], seed: int, gain: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_run(path, gabor_groups((SIDE, SIDE), 1, 12, P, seed), P, shape=(SIDE, SIDE, 1))
    with h5py.File(path, "a") as file:
        file["/information/bits"] = bits
        file["/information/entropy_bits"] = -np.array(bits)
        file["/information"].attrs["min_gain"] = gain
        file["/layers/0/mean"] = np.zeros(SIDE**2)
        file["/layers/0/whitening"] = np.eye(SIDE**2)
        file["/layers/0"].attrs["contrast_floor"] = 0.01
        file["/layers/0"].attrs["lambda"] = 0.1


def plant(directory: Path) -> None:
    """Every file of a plan: accuracy follows the bits, and the third layer gains nothing."""
    data = write_data(directory / "pictures.h5")
    steps = steps_of("pictures", str(data), INPUTS)
    write_plan(directory, steps)
    for step in steps:
        about, path = step.about, directory / step.output
        kind, seed = about.get("kind", ""), about.get("seed", 0)
        if about["makes"] == "logits":
            path.touch()
            continue
        if about["makes"] == "run":
            bits = BITS.get(kind, 20.0) + about.get("atoms", 0) / 61
            deep = [bits, 1.1 * bits, 1.101 * bits, 1.102 * bits]
            gain = -1.0 if about["claim"] == "e" else 0.05
            plant_run(path, [bits] if about["claim"] == "a" else deep, seed, gain)
            continue
        accuracy = ACCURACY.get(kind, 0.9) + 0.001 * seed
        if about["claim"] == "a":
            accuracy = 0.5 + BITS[kind] / 100 + about["atoms"] / 6100
        if about["claim"] == "e":
            accuracy = 0.9 + 0.004 * (about["depth"] > 1)
        more = {"largest_difference": 1e-4, "largest_logit": 10.0} if kind == "peer" else {}
        write_result(path, Result({"test_accuracy": [accuracy]}, {"weights": 1000, **more}))


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("claims")
    plant(directory)
    return directory


def test_table_says_what_was_planted(planted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["claims", str(planted)]) == 0
    assert "not met" in capsys.readouterr().out  # the CNN is more than 0.3 points away
    with (planted / "claims.csv").open(encoding="utf-8") as file:
        rows = {row["what"]: row for row in csv.DictReader(file)}
    assert float(rows["ρ(bits, accuracy), all widths"]["value"]) == pytest.approx(1)
    assert float(rows["ρ(noise-floor entropy, accuracy), all widths"]["value"]) == pytest.approx(-1)
    assert rows["bits gained by learning, 256 atoms"]["met"] == "True"
    assert float(rows["spread over shuffled"]["value"]) < 0.5
    kept = next(row for what, row in rows.items() if what.startswith("layers that the rule keeps"))
    assert (float(kept["value"]), kept["met"]) == (2, "True") and "gain 5 %" in kept["what"]
    assert float(rows["layers at which accuracy stops gaining 0.2 points"]["value"]) == 2
    learned = rows["accuracy, learned (1,000 weights)"]
    assert float(learned["value"]) == pytest.approx(91.2) and learned["met"] == "False"
    assert rows["accuracy, learned, shared (1,000 weights)"]["met"] == "True"
    assert rows["accuracy, learned, trained in PyTorch (1,000 weights)"]["met"] == "True"
    apart = rows["logits of learned, in PyTorch: largest difference over largest"]
    assert float(apart["value"]) == pytest.approx(1e-5) and apart["met"] == "True"
    with h5py.File(planted / "claims.h5") as file:
        assert len(file["/claims/value"]) == sum(1 for _ in (planted / "claims.csv").open()) - 1


def test_pictures_are_drawn(planted: Path, tmp_path: Path) -> None:
    assert main(["claims", str(planted), "-o", str(tmp_path)]) == 0
    for name in ("information", "learning", "shifts", "depth", "accuracy"):
        picture = imread(tmp_path / f"claims-{name}.png")
        assert picture.shape[1] == 1600 and picture[..., :3].std() > 0.05


def test_half_a_plan_is_reported_as_such(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_plan(tmp_path, steps_of("pictures", "/pictures.h5", INPUTS))
    assert main(["claims", str(tmp_path)]) == 0
    assert "files are missing" in capsys.readouterr().out
    assert not list(tmp_path.glob("*.png"))


def test_no_plan_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "jobs/claims.sh" in refusal(["claims", str(tmp_path)], capsys)
    (tmp_path / plan.PLAN).write_text("hello")
    assert "not JSON" in refusal(["claims", str(tmp_path)], capsys)
    (tmp_path / plan.PLAN).write_text("[]")
    assert read_plan(tmp_path) == []
