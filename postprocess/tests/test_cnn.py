"""cnn: the data file, the network and what is written. What needs PyTorch is skipped without it."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from test_runfile import refusal

from weftpost.__main__ import main
from weftpost.peer import launch
from weftpost.peer.data import TEST, TRAIN, read_data
from weftpost.peer.result import Result, read_result, write_result

SIDE = 16
CLASSES = 3


def bars(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """[count, SIDE, SIDE] bytes: a bar across, down or aslant; the label says which."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, CLASSES, count)
    pictures = rng.integers(0, 60, (count, SIDE, SIDE))
    line = np.arange(SIDE)
    for picture, label, place in zip(pictures, labels, rng.integers(3, SIDE - 3, count)):
        rows, columns = ((place, line), (line, place), (line, (line + place) % SIDE))[label]
        picture[rows, columns] = 250
    return pictures.astype(np.uint8), labels


def write_data(path: Path, channels: int = 1, order: str = "planes", labels: bool = True) -> Path:
    with h5py.File(path, "w") as file:
        for split, count, seed in ((TRAIN, 300, 1), (TEST, 90, 2)):
            x, y = bars(count, seed)
            stack = np.stack([x // (c + 1) for c in range(channels)], 1 if order == "planes" else 3)
            file[f"/{split}/x"] = stack.reshape(count, -1)
            file[f"/{split}/x"].attrs["scale"] = 1 / 255
            if labels:
                file[f"/{split}/y"] = y.astype(np.int32)
        file.attrs["shape"] = np.array([SIDE, SIDE, channels])
        file.attrs["pixel_order"] = np.bytes_(order)
    return path


@pytest.mark.parametrize("order", ["planes", "interleaved"])
def test_data_is_read_in_either_order(order: str, tmp_path: Path) -> None:
    data = read_data(write_data(tmp_path / "data.h5", 2, order))
    pictures = data.pictures(TRAIN)
    expected = bars(300, 1)[0]
    assert data.classes == CLASSES and pictures.shape == (300, 2, SIDE, SIDE)
    assert np.allclose(pictures[:, 0], expected / 255, atol=1e-6)
    assert np.allclose(pictures[:, 1], (expected // 2) / 255, atol=1e-6)


def test_bad_data_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    path = tmp_path / "data.h5"
    command = ["cnn", str(path), "-o", str(tmp_path / "cnn.h5")]
    assert "no such file" in refusal(command, capsys)
    write_data(path, labels=False)
    assert "/train/y" in refusal(command, capsys)
    write_data(path)
    with h5py.File(path, "a") as file:
        del file.attrs["shape"]
    assert "no picture shape" in refusal(command, capsys)


def test_missing_torch_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch.importlib.util, "find_spec", lambda name: None)
    path = write_data(tmp_path / "data.h5")
    line = refusal(["cnn", str(path), "-o", str(tmp_path / "cnn.h5")], capsys)
    assert "no PyTorch" in line and "python3-torch" in line


def test_result_comes_back(tmp_path: Path) -> None:
    columns = {"test_accuracy": [0.5, 0.75], "seconds": [1.0, 2.0]}
    write_result(tmp_path / "r.h5", Result(columns, {"kind": "cnn", "seed": 3}))
    found = read_result(tmp_path / "r.h5")
    assert found.columns == columns
    assert (found.about["kind"], found.about["seed"]) == ("cnn", 3)
    assert found.about["test_accuracy"] == 0.75 and found.about["complete"] == 1
    assert not list(tmp_path.glob("*.part"))


def test_network_is_the_experts() -> None:
    torch = pytest.importorskip("torch")
    from weftpost.peer.cnn import Cnn, count_weights

    # 20 (25 + 1), 50 (500 + 1), 256 (800 + 1), 10 (256 + 1)
    network = Cnn((1, 28, 28), 10, 0.0)
    assert count_weights(network) == 520 + 25_050 + 205_056 + 2_570 == 233_196
    assert network(torch.zeros(2, 1, 28, 28)).shape == (2, 10)
    assert Cnn((3, 32, 32), 10, 0.0)(torch.zeros(2, 3, 32, 32)).shape == (2, 10)


def test_rate_rises_and_falls() -> None:
    pytest.importorskip("torch")
    from weftpost.peer.train import Recipe

    recipe = Recipe(epochs=5, rate=2.0, warmup=0.5)
    rates = [recipe.rate_at(step, 20) for step in range(100)]
    assert rates[0] == pytest.approx(2 / 11) and rates[10] == max(rates) == pytest.approx(2.0)
    assert rates[55] == pytest.approx(1.0) and 0 < rates[99] < 0.001
    assert (np.diff(rates[:11]) > 0).all() and (np.diff(rates[10:]) < 0).all()


def test_cnn_learns_and_repeats_itself(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    data, outputs = write_data(tmp_path / "data.h5"), [tmp_path / "a.h5", tmp_path / "b.h5"]
    for path in outputs:
        assert main(["cnn", str(data), "-o", str(path), "--epochs", "6", "--batch", "20"]) == 0
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 12 and "epoch 1/6" in lines[0] and "0 s left" in lines[5]
    first, second = (read_result(path) for path in outputs)
    assert first.columns["test_accuracy"] == second.columns["test_accuracy"]
    assert first.columns["train_loss"] == second.columns["train_loss"]
    assert first.about["test_accuracy"] > 0.9 and first.about["kind"] == "cnn"
    assert len(first.columns["seconds"]) == 6 and (np.diff(first.columns["seconds"]) > 0).all()
