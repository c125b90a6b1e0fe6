"""Checks a run file against what README promises: names, shapes, attributes, and that they agree with one another.

checkrun.py RUN.h5 DATA.h5 attribute=value ...    root attributes that must have these values
"""
import re
import sys

import h5py
import numpy as np

NEEDED = "iteration objective reconstruction active_fraction connection_density max_gap mean_gap seconds".split()


def check_notes(name, item):
    """Every dataset says what it is, and what its dimensions are."""
    if not isinstance(item, h5py.Dataset):
        return
    assert item.attrs.get("units") or item.attrs.get("description"), name
    for axis in range(item.ndim):
        assert item.dims[axis].label, f"{name}: dimension {axis} has no label"


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def check_root(f, data, wanted):
    attrs = f.attrs
    for name in "weft_schema weft_version git petsc hdf5 mpi ranks seed created complete shape pixel_order".split():
        assert name in attrs, name
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text(attrs["created"])), attrs["created"]
    assert (attrs["shape"] == data.attrs["shape"]).all() and text(attrs["pixel_order"]) == text(data.attrs["pixel_order"])
    for name, value in wanted.items():
        assert text(attrs[name]) == value, f"{name} is {attrs[name]}, not {value}"
    assert f["options"].shape == ()
    options = dict(line.split(": ", 1) for line in f["options"][()].decode().splitlines())
    assert {"data", "o", "seed", "weft_atoms", "weft_coder_rtol", "weft_whitening_ridge"} <= set(options)
    return options


def check_layer(layer, options, d):
    k, p = int(options["weft_atoms"]), int(options["weft_group_size"])
    groups = k // p
    real = "f8" if options["weft_precision"] == "double" else "f4"
    dictionary, connectivity = layer["dictionary"][:].astype(float), layer["connectivity"][:].astype(float)
    assert dictionary.shape == (d, k) and connectivity.shape == (d, groups)
    assert layer["dictionary"].dtype == real and layer["connectivity"].dtype == real
    norms = np.sqrt((dictionary.reshape(d, groups, p) ** 2).sum(axis=2))
    assert np.allclose(norms, connectivity, rtol=1e-6, atol=0) and ((norms == 0) == (connectivity == 0)).all()
    assert (np.linalg.norm(dictionary, axis=0) < 1 + 1e-6).all()
    alive, usage = layer["alive"], layer["usage"][:]
    assert alive.dtype == "u1" and alive.shape == usage.shape == layer["gamma"].shape == (groups,)
    dead = alive[:] == 0
    assert (connectivity[:, dead] == 0).all() and (usage[dead] == 0).all() and ((usage >= 0) & (usage <= 1)).all()
    return (connectivity > 0).sum() / (d * max(1, (~dead).sum()))


def check_history(history, rtol, density):
    length = history["iteration"].shape
    columns = {name: column[:] for name, column in history.items()}
    assert set(NEEDED) <= set(columns) and all(column.shape == length for column in columns.values())
    assert (columns["iteration"] == np.arange(length[0])).all() and (np.diff(columns["seconds"]) >= 0).all()
    assert (columns["max_gap"] <= rtol).all() and (columns["mean_gap"] <= columns["max_gap"]).all()
    assert (columns["objective"] >= columns["reconstruction"]).all() and (columns["reconstruction"] > 0).all()
    if length[0] and not columns["removed"][-1] and not columns["reseeded"][-1]:
        assert abs(columns["connection_density"][-1] - density) < 1e-12


def options_of(options, layer):
    """As they are for one layer."""
    own = f"layer{layer}_"
    return {name.removeprefix(own): value for name, value in options.items()} | {
        name.removeprefix(own): value for name, value in options.items() if name.startswith(own)
    }


def check_whitening(layer, x, used):
    """The documented formula whitens the input that the layer had, x of which some features are used; returns that."""
    whitening, mean = layer["whitening"], layer["mean"][:]
    for name in "contrast_floor whitening_ridge lambda mu".split():
        assert whitening.attrs[name] == layer.attrs[name], name
    x = x - x.mean(axis=1, keepdims=True)
    x /= np.maximum(x.std(axis=1, keepdims=True), whitening.attrs["contrast_floor"])
    assert np.abs(x.mean(axis=0) - mean).max() < 1e-5
    white = (x - mean) @ whitening[:].astype(float)
    assert (white[:, ~used] == 0).all()
    eigenvalues = np.linalg.eigvalsh(np.cov(white[:, used], rowvar=False, bias=True))
    raw = np.linalg.eigvalsh(np.cov(x[:, used], rowvar=False, bias=True))
    expected = raw / (raw + whitening.attrs["whitening_ridge"] * raw.mean())
    assert np.abs(eigenvalues - np.sort(expected)).max() < 1e-4
    return white


def responses(layer, white):
    """Feed-forward, as documented: what the next layer has as input."""
    p = int(layer.attrs["group_size"])
    products = white @ layer["dictionary"][:].astype(float)
    norms = np.sqrt((products.reshape(len(white), -1, p) ** 2).sum(axis=2))
    return np.maximum(0, norms - layer.attrs["lambda"] * np.sqrt(p)) * layer["alive"][:]


def plain_bits(x, y, ridge):
    """Ridge regression of x's principal components from y, fitted on even samples, scored on odd ones."""
    values, vectors = np.linalg.eigh(np.cov(x, rowvar=False, bias=True))
    x = x @ vectors[:, values > 1e-6 * values[-1]]
    y = y[:, y[::2].std(axis=0) > 0]
    mean_x, mean_y, deviation = x[::2].mean(axis=0), y[::2].mean(axis=0), y[::2].std(axis=0)
    y = (y - mean_y) / deviation
    even = y[::2]
    weights = np.linalg.solve(even.T @ even / len(even) + ridge * np.eye(y.shape[1]), even.T @ (x[::2] - mean_x) / len(even))
    left = x[1::2] - mean_x - y[1::2] @ weights
    return -0.5 * np.log2((left**2).mean(axis=0) / x[1::2].var(axis=0)).sum()


def check_information(f, x, outputs):
    """One entry for each layer that was measured; those without weights recomputed where it was kept; the rule of depth."""
    columns = {name: column[:] for name, column in f["information"].items()}
    kept, bits = columns["kept"], columns["bits"]
    assert {"layer", "bits", "entropy_bits", "bits_full", "bits_plain", "kept", "ridge"} <= set(columns)
    assert (columns["layer"] == np.arange(len(bits))).all() and columns["layer"].dtype == "i4"
    assert kept.dtype == "u1" and kept.sum() == len(outputs) and kept[: len(outputs)].all() and len(bits) - len(outputs) in (0, 1)
    minimum = f["information"].attrs["min_gain"]
    assert f["information"].attrs["estimator"]
    for i in range(1, len(bits)):
        assert ((bits[i] - bits[i - 1]) / max(bits[i - 1], 1) >= minimum) == kept[i], (i, bits, kept)
    for i in range(len(outputs)):
        expected = plain_bits(x, np.hstack(outputs[: i + 1]), columns["ridge"][i])
        plain = columns["bits_plain"][i]
        assert abs(plain - expected) < 1e-3 * max(1, abs(expected)), (i, plain, expected)


def main():
    run, source, *wanted = sys.argv[1:]
    with h5py.File(run) as f, h5py.File(source) as data:
        x = data["train/x"]
        f.visititems(check_notes)
        options = check_root(f, data, dict(pair.split("=", 1) for pair in wanted))
        x = x[:].astype(float) * x.attrs.get("scale", 1)
        used = np.full(x.shape[1], True)
        assert f["layers"].keys() == f["history"].keys() == {str(i) for i in range(len(f["layers"]))}
        outputs = []
        for i in range(len(f["layers"])):
            layer, own = f[f"layers/{i}"], options_of(options, i)
            density = check_layer(layer, own, x.shape[1])
            check_history(f[f"history/{i}"], float(own["weft_coder_rtol"]), density)
            x = check_whitening(layer, x, used)
            first = x if i == 0 else first
            x = responses(layer, x)
            outputs.append(x)
            used = layer["alive"][:] > 0
        if len(first) > 10:  # else nothing can be held out
            check_information(f, first, outputs)


main()
