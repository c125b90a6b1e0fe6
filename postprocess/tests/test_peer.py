"""peer: the network rebuilt in PyTorch, held to its formulas written out with loops in numpy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from synthetic import connectivity_of
from test_cnn import CLASSES, SIDE, write_data
from test_runfile import refusal

from weftpost.__main__ import main
from weftpost.peer.data import TEST, read_data
from weftpost.peer.netfile import read_network, starts
from weftpost.peer.result import read_result
from weftpost.peer.spec import MaskedLayer, NetworkSpec

D = SIDE * SIDE


def masked(
    rng: np.random.Generator, inputs: int, groups: int, p: int, each: int, **more: object
) -> MaskedLayer:
    input_ = np.concatenate([np.sort(rng.choice(inputs, each, False)) for _ in range(groups)])
    return MaskedLayer(inputs, p, np.arange(0, groups * each + 1, each), input_, **more)  # type: ignore[arg-type]


def weighted(spec: NetworkSpec, rng: np.random.Generator) -> NetworkSpec:
    """Every number random, under its name in the file."""
    weights: dict[str, np.ndarray] = {}

    def norm(group: str, units: int, channel: np.ndarray | None) -> None:
        count = units if channel is None else int(channel.max()) + 1
        for name in ("scale", "shift", "mean", "variance"):
            weights[f"{group}/{name}"] = rng.uniform(0.5, 1.5, count).astype(np.float32)

    for i, layer in enumerate(spec.layers):
        weights[f"layers/{i}/weights"] = rng.normal(size=(layer.rows, layer.group_size))
        norm(f"layers/{i}/pooled", layer.pools, layer.pooled_channel)
        if layer.read_single:
            norm(f"layers/{i}/single", layer.groups * layer.group_size, layer.single_channel)
    sizes = [spec.features(), *spec.hidden, spec.classes]
    for i, (inputs, units) in enumerate(zip(sizes, sizes[1:])):
        last = i == len(spec.hidden)
        place = "output" if last else f"hidden/{i}"
        weights[f"{place}/weights"] = rng.normal(size=(units, inputs)) / inputs**0.5
        if last:
            weights["output/bias"] = rng.normal(size=units)
        else:
            norm(place, units, None)
    return replace(spec, weights=weights)


def slow_logits(spec: NetworkSpec, x: np.ndarray) -> np.ndarray:
    """One sample after the other, one connection after the other."""
    w = spec.weights

    def norm(group: str, z: np.ndarray, channel: np.ndarray | None) -> np.ndarray:
        scale, shift, mean, variance = (
            w[f"{group}/{name}"][np.arange(len(z)) if channel is None else channel]
            for name in ("scale", "shift", "mean", "variance")
        )
        return scale * (z - mean) / np.sqrt(variance + spec.norm_epsilon) + shift

    result = []
    for u in x:
        pooled, singles = [], []
        for i, layer in enumerate(spec.layers):
            p, h = layer.group_size, np.zeros((layer.groups, layer.group_size))
            for g in range(layer.groups):
                for c in range(layer.start[g], layer.start[g + 1]):
                    row = c if layer.row is None else layer.row[c]
                    h[g] += w[f"layers/{i}/weights"][row] * u[layer.input[c]]
            members = [[g] for g in range(layer.groups)]
            if layer.pool_start is not None and layer.pool_group is not None:
                ends = zip(layer.pool_start, layer.pool_start[1:])
                members = [list(layer.pool_group[a:b]) for a, b in ends]
            energy = np.array([(h[m] ** 2).sum() for m in members])
            y = np.maximum(0, np.sqrt(energy + spec.pool_epsilon) - layer.threshold)
            u = norm(f"layers/{i}/pooled", y, layer.pooled_channel)
            pooled += [u] if layer.read_pooled else []
            if layer.read_single:
                flat = h.reshape(layer.groups * p)
                singles += [np.maximum(0, norm(f"layers/{i}/single", flat, layer.single_channel))]
        f = np.concatenate(pooled + singles) if spec.layers else u
        for i in range(len(spec.hidden)):
            f = np.maximum(0, norm(f"hidden/{i}", w[f"hidden/{i}/weights"] @ f, None))
        result.append(w["output/weights"] @ f + w["output/bias"])
    return np.array(result)


def specs() -> dict[str, NetworkSpec]:
    rng = np.random.default_rng(4)
    plain = masked(rng, D, 10, 2, 9, read_single=True)
    above = masked(rng, 10, 6, 3, 4, threshold=0.2)
    tied = masked(
        rng,
        D,
        8,
        2,
        6,
        row=rng.integers(0, 12, 48),
        pool_start=np.array([0, 2, 3, 8]),
        pool_group=rng.permutation(8),
        pooled_channel=np.array([0, 0, 1]),
        single_channel=np.arange(16) % 4,
        read_single=True,
    )
    hidden_below = replace(plain, read_pooled=False)
    return {
        "two layers": NetworkSpec(D, CLASSES, (plain, above), (7,), (0.2, 0.1)),
        "tied": NetworkSpec(D, CLASSES, (tied,), (5, 4), (0.2, 0.1, 0.1)),
        "read from the last": NetworkSpec(D, CLASSES, (hidden_below, above), ()),
        "no masked layer": NetworkSpec(D, CLASSES, (), (12,), (0.0, 0.1)),
    }


def write_network(path: Path, spec: NetworkSpec, options: str = "", structure: str = "") -> None:
    """In the layout of `weft train`."""
    with h5py.File(path, "w") as file:
        for name, values in spec.weights.items():
            file[f"/weights/{name}"] = values
        network = file.create_group("network")
        for i, layer in enumerate(spec.layers):
            write_layer(network.create_group(f"layers/{i}"), layer)
        network["hidden"] = np.array(spec.hidden, np.int64)
        network["mean"], network["whitening"] = np.zeros(D), np.eye(D, dtype=np.float32)
        numbers = {"inputs": D, "classes": CLASSES, "layers": len(spec.layers), "whitened": 0}
        numbers["parameters"] = sum(
            v.size for n, v in spec.weights.items() if n.split("/")[-1] not in ("mean", "variance")
        )
        network.attrs.update(numbers)
        network.attrs["pool_epsilon"], network.attrs["norm_epsilon"] = 1e-6, 1e-5
        network.attrs["contrast_floor"] = 0.01
        file["/history/seconds"] = [1.0]
        file["/options"] = options
        file.attrs["test_accuracy"] = 0.5
        file.attrs["structure"] = f"{structure} 1234"


def write_layer(group: h5py.Group, layer: MaskedLayer) -> None:
    """Index arrays that are left out say that each is its own."""
    counts = {"row": len(layer.input), "pooled_channel": layer.pools}
    counts |= {"pool_group": layer.groups}
    if layer.read_single:
        counts["single_channel"] = layer.groups * layer.group_size
    group["start"], group["input"] = layer.start, layer.input
    start = np.arange(layer.groups + 1) if layer.pool_start is None else layer.pool_start
    group["pool_start"] = start
    for name, count in counts.items():
        values = getattr(layer, name)
        group[name] = np.arange(count) if values is None else values
    for name in ("inputs", "group_size", "threshold"):
        group.attrs[name] = getattr(layer, name)
    group.attrs["read_pooled"] = int(layer.read_pooled)
    group.attrs["read_single"] = int(layer.read_single)


@pytest.mark.parametrize("kind", specs())
def test_logits_are_those_of_the_formulas(kind: str, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from weftpost.peer.network import Network

    spec = weighted(specs()[kind], np.random.default_rng(6))
    write_network(tmp_path / "net.h5", spec)
    network = read_network(tmp_path / "net.h5")
    model = Network(network.spec)
    model.load(network.spec.weights)
    model.eval()
    x = np.random.default_rng(7).normal(size=(5, D)).astype(np.float32)
    with torch.no_grad():
        found = model(torch.from_numpy(x)).numpy()
    expected = slow_logits(spec, x)
    assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()


def test_normalisation_is_that_of_the_batch_and_runs_along() -> None:
    """Shared channels: their units' numbers are taken together."""
    torch = pytest.importorskip("torch")
    from weftpost.export.parts.network import Norm

    z = torch.from_numpy(np.random.default_rng(8).normal(2, 3, (20, 6)).astype(np.float32))
    shared = Norm(6, 2, 1e-5, 0.1)
    shared.channel.copy_(torch.tensor([0, 0, 0, 1, 1, 1]))
    out = shared(z)
    for units in (slice(0, 3), slice(3, 6)):
        assert out[:, units].mean().item() == pytest.approx(0, abs=1e-5)
        assert out[:, units].std(unbiased=False).item() == pytest.approx(1, abs=1e-4)
    assert shared.mean[0].item() == pytest.approx(0.1 * z[:, :3].mean().item(), rel=1e-4)
    alone = Norm(6, 6, 1e-5, 0.1)
    assert torch.allclose(alone(z), (z - z.mean(0)) / z.std(0, unbiased=False), atol=1e-4)


def test_learned_networks_start_at_their_atoms(tmp_path: Path) -> None:
    """A dead group is left out, of its layer and of the next one's inputs."""
    rng = np.random.default_rng(9)
    alive = np.array([1, 0, 1, 1])
    below = rng.normal(size=(D, 8)) * (rng.random((D, 4)) < 0.1).repeat(2, axis=1)
    below[:, 2:4] = 0
    above = rng.normal(size=(4, 6)) * alive[:, None]
    with h5py.File(tmp_path / "run.h5", "w") as file:
        for i, (atoms, living) in enumerate(((below, alive), (above, np.ones(3)))):
            file[f"/layers/{i}/dictionary"], file[f"/layers/{i}/alive"] = atoms, living
    support = [np.flatnonzero(below[:, 2 * g]) for g in (0, 2, 3)]
    start = np.concatenate([[0], np.cumsum([len(s) for s in support])])
    first = MaskedLayer(D, 2, start, np.concatenate(support))
    second = MaskedLayer(3, 2, np.array([0, 3, 6, 9]), np.tile(np.arange(3), 3))
    spec = weighted(NetworkSpec(D, CLASSES, (first, second), ()), rng)
    write_network(tmp_path / "net.h5", spec)
    found = starts(read_network(tmp_path / "net.h5"), tmp_path / "run.h5")
    weights = found["layers/0/weights"]
    assert np.allclose((weights[: start[1]] ** 2).sum(axis=0), 1)
    expected = below[support[1], 4:6] / np.linalg.norm(below[:, 4:6], axis=0)
    assert np.allclose(weights[start[1] : start[2]], expected)
    kept = above[alive == 1][:, 2:4] / np.linalg.norm(above[:, 2:4], axis=0)
    assert np.allclose(found["layers/1/weights"][3:6], kept)


def plant(tmp_path: Path) -> tuple[Path, Path, NetworkSpec]:
    """A data file and the network of a one-layer structure, whose run file stands beside it."""
    rng = np.random.default_rng(10)
    spec = weighted(NetworkSpec(D, CLASSES, (masked(rng, D, 12, 2, 40, read_single=True),), (8,)), rng)
    layer = spec.layers[0]
    atoms = np.zeros((D, 24))
    for g in range(12):
        inputs = layer.input[layer.start[g] : layer.start[g + 1]]
        atoms[inputs, 2 * g : 2 * g + 2] = rng.normal(size=(40, 2))
    with h5py.File(tmp_path / "a run.h5", "w") as file:
        file["/layers/0/dictionary"], file["/layers/0/alive"] = atoms, np.ones(12)
        file["/layers/0/connectivity"] = connectivity_of(atoms, 2)
    options = "weft_train_epochs: 6\nweft_train_batch_size: 20\nweft_train_rate: 0.01\n"
    write_network(tmp_path / "net.h5", spec, options, str(tmp_path / "a run.h5"))
    return write_data(tmp_path / "data.h5"), tmp_path / "net.h5", spec


def test_peer_trains_and_compares(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    data, net, spec = plant(tmp_path)
    x = read_network(net).input.prepare(read_data(data).x[TEST])
    with h5py.File(tmp_path / "logits.h5", "w") as file:
        file["/test/logits"] = slow_logits(spec, x)
    command = ["peer", str(net), "--data", str(data), "-o", str(tmp_path / "peer.h5")]
    assert main([*command, "--logits", str(tmp_path / "logits.h5")]) == 0
    assert "largest_difference" in capfd.readouterr().out
    found = read_result(tmp_path / "peer.h5")
    assert found.about["largest_difference"] < 1e-4 * found.about["largest_logit"]
    assert found.about["peer_accuracy"] > 0.9 and len(found.columns["seconds"]) == 6
    assert found.about["weft_accuracy"] == 0.5


def test_what_is_not_rebuilt_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    data, net, _ = plant(tmp_path)
    command = ["peer", str(net), "--data", str(data), "-o", str(tmp_path / "peer.h5")]
    with h5py.File(net, "a") as file:
        del file["/options"]
        file["/options"] = "weft_train_optimiser: sgd\n"
    assert main(command) == 2
    assert "only adam" in capfd.readouterr().err


def test_other_files_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    data, net, _ = plant(tmp_path)
    command = ["peer", str(data), "--data", str(data), "-o", str(tmp_path / "peer.h5")]
    assert "no /network" in refusal(command, capsys)
    command = ["peer", str(net), "--data", str(net), "-o", str(tmp_path / "peer.h5")]
    assert "/train/x" in refusal(command, capsys)
