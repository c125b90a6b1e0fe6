"""export: modules and graphs, held to the formulas written out with loops in numpy.

What the program itself gives is beside them in tests/cli/export.sh.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import h5py
import numpy as np
import pytest
from test_peer import CLASSES, D, masked, slow_logits, specs, weighted, write_network
from test_runfile import refusal

from weftpost.__main__ import main
from weftpost.export.described import describe
from weftpost.export.placed import place
from weftpost.peer.netfile import read_network
from weftpost.peer.spec import MaskedLayer, NetworkSpec

SITES, PROTOTYPES = 12, 3


def copies(rng: np.random.Generator) -> MaskedLayer:
    """Prototypes of 5, 4 and 6 weights; their copies' windows slide over the inputs; pools of 4."""
    see = [(0, 1, 2, 4, 5), (0, 2, 3, 5), (0, 1, 2, 3, 4, 5)]
    first = np.cumsum([0, 5, 4, 6])
    input_, row, start = [], [], [0]
    for site in range(SITES):
        for k, offsets in enumerate(see):
            seen = [(3 * site + q, first[k] + i) for i, q in enumerate(offsets) if 3 * site + q < D]
            input_ += [at for at, _ in seen]
            row += [r for _, r in seen]
            start.append(len(input_))
    group = np.arange(SITES * PROTOTYPES).reshape(SITES // 4, 4, PROTOTYPES).transpose(0, 2, 1)
    pools = SITES // 4 * PROTOTYPES
    return MaskedLayer(
        D,
        2,
        np.array(start),
        np.array(input_),
        row=np.array(row),
        pool_start=np.arange(0, 4 * pools + 1, 4),
        pool_group=group.flatten(),
        pooled_channel=np.arange(pools) % PROTOTYPES,
    )


def networks() -> dict[str, NetworkSpec]:
    rng = np.random.default_rng(11)
    shared = copies(rng)
    above = masked(rng, shared.pools, 5, 2, 3, threshold=0.1)
    return {**specs(), "copies": NetworkSpec(D, CLASSES, (shared, above), (6,), (0.2, 0.1))}


def write_structure(path: Path, **attributes: object) -> None:
    """In the layout of `weft learn`: 10 groups, of which two are removed, then 2 x 5 sites."""
    rng = np.random.default_rng(12)
    with h5py.File(path, "w") as file:
        for i, (d, groups, p) in enumerate(((D, 10, 2), (10, 8, 3))):
            alive = np.ones(groups)
            alive[[1, groups - 1]] = i != 0, i != 0
            connects = rng.random((d, groups)) < 0.3
            layer = file.create_group(f"layers/{i}")
            atoms = rng.normal(size=(d, groups * p)) * connects.repeat(p, 1)
            layer["dictionary"] = atoms.astype("f4")
            layer["alive"] = alive.astype("u1")
            layer["mean"] = 0.1 * rng.normal(size=d)
            layer["whitening"] = (np.eye(d) + 0.1 * rng.normal(size=(d, d))).astype("f4")
            numbers = {"lambda": (0.2, 1.5)[i], "mu": 0.0, "group_size": p, "contrast_floor": 0.3}
            layer.attrs.update(numbers)
        shared = file.create_group("layers/1/shared")
        shared["atoms"] = rng.normal(size=(2 * 3, 9)) * (rng.random(9) < 0.7)
        order = rng.permutation(10)
        shared["row"], shared["column"] = order // 5, order % 5
        shared["row"][3] = shared["column"][3] = -1  # it lies nowhere
        shared["channel"] = np.where(np.arange(10) == 3, -1, 0)
        numbers = {"window": 3, "pool": 2, "group_size": 3, "rows": 2, "columns": 5, "channels": 1}
        shared.attrs.update(numbers)
        file.attrs.update({"complete": 1, "seed": 7, "weft_version": "0.0", **attributes})


def slow_responses(path: Path, x: np.ndarray) -> list[np.ndarray]:
    """Of both layers, group after group and site after site."""
    found: list[np.ndarray] = []
    with h5py.File(path) as file:
        for i in (0, 1):
            layer = file[f"layers/{i}"]
            u = np.asarray(found[-1] if found else x, float)
            u = u - u.mean(1, keepdims=True)
            u = u / np.maximum(u.std(1, keepdims=True), layer.attrs["contrast_floor"])
            u = (u - layer["mean"][:]) @ layer["whitening"][:].astype(float)
            p, atoms = layer.attrs["group_size"], layer["dictionary"][:].astype(float)
            least = layer.attrs["lambda"] * p**0.5
            groups = range(atoms.shape[1] // p)
            norms = [np.linalg.norm(u @ atoms[:, g * p : (g + 1) * p], axis=1) for g in groups]
            y = np.maximum(0, np.array(norms).T - least) * layer["alive"][:]
            found.append(y if i == 0 else slow_copies(layer["shared"], u, least))
    return found


def slow_copies(shared: h5py.Group, u: np.ndarray, least: float) -> np.ndarray:
    """Windows of 3 x 3 on a lattice of 2 x 5, in pools of 2 x 2: 1 x 3 pools of 2 prototypes."""
    energy = np.zeros((len(u), 3, 2))
    for row in range(2):
        for column in range(5):
            for k in range(2):
                h = np.zeros((len(u), 3))
                for j, at in enumerate(zip(shared["row"][:], shared["column"][:])):
                    q = 3 * (at[0] - row + 1) + at[1] - column + 1
                    if at[0] >= 0 and abs(at[0] - row) < 2 and abs(at[1] - column) < 2:
                        h += u[:, j, None] * shared["atoms"][3 * k : 3 * k + 3, q]
                energy[:, column // 2, k] += np.maximum(0, np.linalg.norm(h, axis=1) - least) ** 2
    return np.sqrt(energy).reshape(len(u), -1)


def samples(rng_seed: int = 13) -> np.ndarray:
    x = np.random.default_rng(rng_seed).normal(2, 1, size=(7, D)).astype(np.float32)
    x[0] = 3  # no contrast at all
    x[1] = 0.1 + 0.003 * x[1]  # less than the floor
    return x


def module_of(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


def close(found: np.ndarray, expected: np.ndarray) -> bool:
    assert found.dtype == np.float32 and found.shape == expected.shape
    return bool(np.abs(found - expected).max() < 1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("kind", networks())
def test_networks_answer_by_the_formulas(kind: str, tmp_path: Path) -> None:
    spec = weighted(networks()[kind], np.random.default_rng(14))
    net = tmp_path / "a net.h5"
    write_network(net, spec)
    taken = read_network(net).input
    assert taken is not None
    x = samples()
    expected = slow_logits(spec, taken.prepare(x))
    if importlib.util.find_spec("onnx"):
        from onnxrun import run

        assert main(["export", str(net), "--format", "onnx"]) == 0
        assert close(run(tmp_path / "a net.onnx", x)["logits"], expected)
    torch = pytest.importorskip("torch", reason="no PyTorch: its export is not tried")
    assert main(["export", str(net), "--format", "torch"]) == 0
    with torch.no_grad():
        network = module_of(tmp_path / "a_net_torch.py").load()
        assert close(network(torch.from_numpy(x)).numpy(), expected)


@pytest.mark.parametrize("layer", [0, 1])
def test_structures_answer_by_the_formulas(layer: int, tmp_path: Path) -> None:
    run_file = tmp_path / "run.h5"
    write_structure(run_file)
    x, command = samples(), ["export", str(run_file), "--layer", str(layer)]
    expected = slow_responses(run_file, x)[layer]
    assert (expected == 0).any() and (expected > 0).mean() > 0.3
    if importlib.util.find_spec("onnx"):
        from onnxrun import run

        assert main([*command, "--format", "onnx", "--all-layers"]) == 0
        outputs = run(tmp_path / "run.onnx", x)
        assert close(outputs["features"], expected) and len(outputs) == layer + 1
    torch = pytest.importorskip("torch", reason="no PyTorch: its export is not tried")
    assert main([*command, "--format", "torch"]) == 0
    with torch.no_grad():
        found = module_of(tmp_path / "run_torch.py").load()(torch.from_numpy(x)).numpy()
    assert close(found, expected)
    assert ((found == 0) == (expected == 0)).all()


def test_operators_are_those_of_pytorch() -> None:
    """What the tests evaluate graphs by, where onnx cannot."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnx")
    import onnxrun

    rng = np.random.default_rng(15)
    x, w = (rng.normal(size=size).astype(np.float32) for size in ((3, 6), (4, 6)))
    t, v = torch.from_numpy(x), torch.from_numpy(w)
    product = torch.addmm(v[:, 0], t, v.T)
    assert np.allclose(onnxrun.gemm(x, w, w[:, 0], transB=1), product, atol=1e-6)
    padded = torch.nn.functional.pad(t, (0, 1))
    assert (onnxrun.pad(x, np.array([0, 0, 0, 1])) == padded.numpy()).all()
    assert onnxrun.reshape(x, np.array([0, 2, 3])).shape == (3, 2, 3)
    total = onnxrun.reduce_sum(x.reshape(3, 2, 3), np.array([2]), keepdims=0)
    assert np.allclose(total, t.view(3, 2, 3).sum(2), atol=1e-6)


def test_shared_layers_stay_small() -> None:
    layer = copies(np.random.default_rng(16))
    placed = place(layer, np.ones((layer.rows, 2)))
    assert placed.windows is not None and placed.windows.shape == (SITES, 6)
    assert placed.weights.shape == (PROTOTYPES * 2, 6) and placed.mask.sum() == 2 * layer.rows


def test_the_module_needs_nothing_but_pytorch(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    write_structure(tmp_path / "run.h5")
    to = tmp_path / "to"
    command = ["export", str(tmp_path / "run.h5"), "-o", str(to / "3 x"), "--format", "torch"]
    assert main(command) == 0
    text = (
        f"import sys; sys.path.insert(0, {str(to)!r}); import _3_x_torch as m, torch;"
        f"print(m.load()(torch.zeros(2, {D})).shape, [k for k in sys.modules if 'weftpost' in k])"
    )
    settings = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-c", text]
    kept = {"capture_output": True, "text": True, "check": False}
    done = subprocess.run(command, cwd="/", env=settings, **kept)
    assert done.stdout.strip() == "torch.Size([2, 6]) []", done.stderr
    assert sorted(p.name for p in to.glob("*.*")) == ["_3_x_torch.pt", "_3_x_torch.py"]


def trained_a_step(tmp_path: Path, torch: ModuleType) -> tuple[ModuleType, dict, dict]:
    """The module, and the state before and after a step with weight decay."""
    spec = weighted(networks()["copies"], np.random.default_rng(17))
    write_network(tmp_path / "net.h5", spec)
    assert main(["export", str(tmp_path / "net.h5"), "--format", "torch"]) == 0
    module = module_of(tmp_path / "net_torch.py")
    network = module.load()
    before = {name: values.clone() for name, values in network.state_dict().items()}
    network.train()
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)
    for name, layer in network.named_modules():
        if hasattr(layer, "mask"):  # what stands there is to be without effect
            with torch.no_grad():
                layer.weights += 5 * ~layer.mask
    logits = network(torch.from_numpy(samples()))
    torch.nn.functional.cross_entropy(logits, torch.arange(len(logits)) % CLASSES).backward()
    optimiser.step()
    return module, before, network.state_dict()


def test_masked_weights_stay_without_effect(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    module, before, after = trained_a_step(tmp_path, torch)
    for i in (0, 1):
        mask = after[f"layers.{i}.mask"]
        assert 0 < mask.sum() < mask.numel() and (mask == before[f"layers.{i}.mask"]).all()
        moved = (after[f"layers.{i}.weights"] - before[f"layers.{i}.weights"])[mask]
        assert torch.isfinite(moved).all() and moved.abs().max() > 1e-4
    answers = []
    for masked_ones in (0.0, 100.0):
        network = module.Network(module.SHAPE)
        network.load_state_dict(after)
        for layer in network.layers:
            with torch.no_grad():
                layer.weights[~layer.mask] = masked_ones
        answers.append(network.eval()(torch.from_numpy(samples())))
    assert torch.equal(*answers)


def test_gradients_are_finite_where_nothing_answers(tmp_path: Path) -> None:
    """Also of a sample without contrast, of removed groups and of pools that are silent."""
    torch = pytest.importorskip("torch")
    write_structure(tmp_path / "run.h5")
    assert main(["export", str(tmp_path / "run.h5"), "--format", "torch"]) == 0
    network = module_of(tmp_path / "run_torch.py").load()
    x = torch.from_numpy(samples()).requires_grad_()
    network(x).square().sum().backward()
    gradients = [x.grad, *(p.grad for p in network.parameters())]
    assert all(torch.isfinite(g).all() for g in gradients) and gradients[1].abs().max() > 0


@pytest.mark.parametrize("kind", ["structure", *networks()])
def test_what_the_state_dict_has_is_documented(kind: str, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    if kind == "structure":
        write_structure(tmp_path / "f.h5")
    else:
        write_network(tmp_path / "f.h5", weighted(networks()[kind], np.random.default_rng(18)))
    assert main(["export", str(tmp_path / "f.h5"), "--format", "torch"]) == 0
    module = module_of(tmp_path / "f_torch.py")
    state = torch.load(tmp_path / "f_torch.pt")
    assert set(state) == set(module.Network(module.SHAPE).state_dict())
    words = module.__doc__ or ""
    for name in state:
        place = re.sub(r"hidden\.\d", "hidden.I", re.sub(r"layers\.\d", "layers.L", name))
        head, _, last = place.replace("single", "pooled").rpartition(".")
        assert head in words and last in words, name
    assert torch.is_tensor(state[name]) and str(D) in words


def test_graphs_say_where_they_come_from(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    write_structure(tmp_path / "run.h5")
    assert main(["export", str(tmp_path / "run.h5"), "--format", "onnx"]) == 0
    model = onnx.load(str(tmp_path / "run.onnx"))
    about = {entry.key: entry.value for entry in model.metadata_props}
    assert about["seed"] == "7" and about["weft_version"] == "0.0" and about["layer"] == "1"
    assert about["structure"] == describe(tmp_path / "run.h5", 0, None).about["structure"]
    assert f"x [n, {D}] float32" in model.doc_string
    batch = model.graph.input[0].type.tensor_type.shape.dim[0]
    assert batch.dim_param == "batch" and model.ir_version == 7
    assert model.opset_import[0].version == 13


def test_mistakes_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnx")
    run = tmp_path / "run.h5"

    def said(*arguments: str) -> str:
        words = refusal(["export", str(run), "--format", "onnx", *arguments], capsys)
        assert not list(tmp_path.glob("*.onnx")), arguments
        return words

    write_structure(run)
    assert "counted from 0" in said("--layer", "2")
    assert "--structure" in said("--structure", str(run))
    (tmp_path / "in the way").write_text("")
    assert "in the way" in said("-o", str(tmp_path / "in the way" / "f"))
    write_structure(run, complete=0)
    assert "weft learn -resume" in said()
    with h5py.File(run, "a") as file:
        file.attrs["complete"] = 1
        del file["layers/1/mean"]
    assert "damaged" in said()


@pytest.mark.parametrize(("name", "other"), [("torch", "onnx"), ("onnx", "torch")])
def test_a_missing_package_is_named(
    name: str,
    other: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_structure(tmp_path / "run.h5")
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda n: None if n == name else find(n))
    words = refusal(["export", str(tmp_path / "run.h5")], capsys)
    assert f"python3-{name}" in words and f"--format {other}" in words
    assert not list(tmp_path.glob("run?*[!5]"))
