"""Are two run files the same? Bit for bit but for what a run took, or where a tolerance is given the objective of every layer within it.

samerun.py A.h5 B.h5 [relative tolerance of the objective]
"""
import sys

import h5py
import numpy as np

ATTRIBUTES = {"created", "peak_bytes_per_rank", "git", "heap_crc32"}  # git tells builds apart, the last places in the file


def datasets(f):
    found = {}
    f.visititems(lambda name, item: found.update({name: item}) if isinstance(item, h5py.Dataset) else None)
    return found


def main():
    a, b = (h5py.File(name) for name in sys.argv[1:3])
    if len(sys.argv) > 3:
        assert a["history"].keys() == b["history"].keys()
        for layer in a["history"]:
            x, y = (f[f"history/{layer}/objective"][:] for f in (a, b))
            assert np.allclose(x, y, rtol=float(sys.argv[3]), atol=0), (layer, np.abs(x / y - 1).max())
        return
    x, y = datasets(a), datasets(b)
    assert x.keys() == y.keys(), x.keys() ^ y.keys()
    for name in x:
        if name.endswith("/seconds") or name == "options":  # options name the file
            continue
        assert x[name].dtype == y[name].dtype and x[name][()].tobytes() == y[name][()].tobytes(), name
    for name in a.attrs.keys() - ATTRIBUTES:
        assert (a.attrs[name] == b.attrs[name]).all() if name == "shape" else a.attrs[name] == b.attrs[name], name


main()
