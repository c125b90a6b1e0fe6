"""Is a network file whole, does its network give the accuracy that it says, and do rank counts agree? Arguments: files of
one rank, of three, the same in double precision, and of another seed, all beside data.h5."""

from __future__ import annotations

import sys

import h5py
import numpy as np


def norm(group: h5py.Group, z: np.ndarray, channel: np.ndarray | None, epsilon: float) -> np.ndarray:
    part = {name: group[name][:].astype(float) for name in ("scale", "shift", "mean", "variance")}
    if channel is not None:
        part = {name: values[channel] for name, values in part.items()}
    return part["scale"] * (z - part["mean"]) / np.sqrt(part["variance"] + epsilon) + part["shift"]


def layer(where: h5py.Group, weights: h5py.Group, u: np.ndarray, network: dict) -> tuple[np.ndarray, list, list]:
    """What the next layer has as input, and what the dense layers read of pooled and single units."""
    p, start = where.attrs["group_size"], where["start"][:]
    dense = np.zeros((where.attrs["inputs"], where.attrs["groups"] * p))
    for g in range(where.attrs["groups"]):
        for c in range(start[g], start[g + 1]):
            dense[where["input"][c], g * p : (g + 1) * p] += weights["weights"][where["row"][c]]
    h = u @ dense
    squares = (h**2).reshape(len(u), -1, p).sum(2)
    pools, group = where["pool_start"][:], where["pool_group"][:]
    sums = np.stack([squares[:, group[pools[q] : pools[q + 1]]].sum(1) for q in range(where.attrs["pools"])], 1)
    y = np.maximum(0, np.sqrt(sums + network["pool_epsilon"]) - where.attrs["threshold"])
    v = norm(weights["pooled"], y, where["pooled_channel"][:], network["norm_epsilon"])
    single = []
    if where.attrs["read_single"]:
        single = [np.maximum(0, norm(weights["single"], h, where["single_channel"][:], network["norm_epsilon"]))]
    return v, [v] if where.attrs["read_pooled"] else [], single


def logits(file: h5py.File, x: np.ndarray) -> np.ndarray:
    network, attrs = file["network"], dict(file["network"].attrs)
    contrast = np.maximum(x.std(1, keepdims=True), attrs["contrast_floor"])
    u = (x - x.mean(1, keepdims=True)) / contrast - network["mean"][:]
    if attrs["whitened"]:
        u = u @ network["whitening"][:]
    pooled, single = [], []
    for i in range(attrs["layers"]):
        u, more_pooled, more_single = layer(network[f"layers/{i}"], file[f"weights/layers/{i}"], u, attrs)
        pooled += more_pooled
        single += more_single
    r = np.concatenate(pooled + single, 1) if attrs["layers"] else u
    for i in range(len(network["hidden"])):
        part = file[f"weights/hidden/{i}"]
        r = np.maximum(0, norm(part, r @ part["weights"][:].T.astype(float), None, attrs["norm_epsilon"]))
    return r @ file["weights/output/weights"][:].T.astype(float) + file["weights/output/bias"][:]


def judge(path: str) -> None:
    with h5py.File(path) as f, h5py.File("data.h5") as data:
        assert f.attrs["complete"] == 1 and f.attrs["weft_schema"] == 1 and "state" not in f, path
        assert list(f["history/epoch"][:]) == [1, 2, 3], path
        x = data["test/x"][:] * data["test/x"].attrs.get("scale", 1.0)
        z, y = logits(f, x.astype(float)), data["test/y"][:]
        accuracy = np.mean(np.argmax(z, 1) == y)
        wanted = f.attrs["test_accuracy"]
        assert abs(accuracy - wanted) <= 1.01 / len(y), (path, accuracy, wanted)
        assert wanted == f["history/test_accuracy"][-1] and wanted > 1.5 / data.attrs["classes"], (path, wanted)
        loss = np.mean(np.log(np.exp(z - z.max(1, keepdims=True)).sum(1)) + z.max(1) - z[np.arange(len(y)), y])
        assert abs(loss - f["history/test_loss"][-1]) <= 1e-3 * loss, (path, loss, f["history/test_loss"][-1])
        assert f["history/train_loss"][-1] < f["history/train_loss"][0], path


def weights(path: str) -> np.ndarray:
    found = []
    with h5py.File(path) as f:
        f["weights"].visititems(lambda _, o: found.append(o[:].ravel()) if isinstance(o, h5py.Dataset) else None)
    return np.concatenate(found).astype(float)


def main() -> None:
    one, three, double1, double3, seed = sys.argv[1:]
    for path in sys.argv[1:]:
        judge(path)
    assert np.abs(weights(double1) - weights(double3)).max() <= 1e-8, "the rank count changes the weights"
    with h5py.File(one) as f, h5py.File(three) as g:
        assert np.allclose(f["history/train_loss"][:], g["history/train_loss"][:], rtol=1e-2)
    assert np.abs(weights(one) - weights(seed)).max() > 1e-2, "the seed changes nothing"


if __name__ == "__main__":
    main()
