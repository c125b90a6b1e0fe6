"""Is an export what the program computes? Arguments: PREFIX of the export, data file, what weft encode wrote of it, and
by how much it may miss, relative to the largest number (1e-4 if not given). PyTorch runs on its own, elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
from onnxrun import run

TORCH = """
import sys
sys.path.insert(0, sys.argv[1])
import importlib, numpy, torch
network = importlib.import_module(sys.argv[2]).load()
assert not network.training and not any(name.startswith(("weftpost", "h5py")) for name in sys.modules)
with torch.no_grad():
    numpy.save("y.npy", network(torch.from_numpy(numpy.load("x.npy"))).numpy())
"""


def samples(data: Path) -> np.ndarray:
    with h5py.File(data) as file:
        x = file["test/x"]
        scale = x.attrs.get("scale", 1 / 255 if x.dtype == np.uint8 else 1)
        return x[:].astype(np.float32) * np.float32(np.ravel(scale)[0])


def by_torch(prefix: Path, x: np.ndarray) -> np.ndarray:
    elsewhere = Path("elsewhere").absolute()
    elsewhere.mkdir(exist_ok=True)
    np.save(elsewhere / "x.npy", x)
    settings = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-c", TORCH, str(prefix.parent.absolute()), f"{prefix.name}_torch"]
    subprocess.run(command, cwd=elsewhere, env=settings, check=True)
    found: np.ndarray = np.load(elsewhere / "y.npy")
    return found


def main() -> None:
    prefix, data, encoded = (Path(path) for path in sys.argv[1:4])
    bound = float(sys.argv[4]) if len(sys.argv) > 4 else 1e-4
    x = samples(data)
    with h5py.File(encoded) as file:
        name = "features" if "test/features" in file else "logits"
        expected = file[f"test/{name}"][:]
    found = {}
    if prefix.with_name(f"{prefix.name}.onnx").exists():
        found["onnx"] = run(prefix.with_name(f"{prefix.name}.onnx"), x)[name]
    if prefix.with_name(f"{prefix.name}_torch.pt").exists():
        found["torch"] = by_torch(prefix, x)
    assert found, f"{prefix}: nothing is exported"
    largest = np.abs(expected).max()
    assert largest > 0, "nothing to compare"
    for kind, values in found.items():
        assert values.dtype == np.float32 and values.shape == expected.shape, (kind, values.shape)
        missed = np.abs(values - expected).max() / largest
        print(f"{prefix} {kind}: {missed:.2g}")
        assert missed <= bound, f"{prefix}: {kind} misses {encoded} by {missed:.2g} of the largest"
        if name == "features":
            assert ((values == 0) == (expected == 0)).mean() > 0.999, f"{kind}: other zeros"


if __name__ == "__main__":
    main()
