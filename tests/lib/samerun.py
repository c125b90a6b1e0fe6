"""Are two run, network or features files the same? Bit for bit but for what a run took, or where a tolerance is given the objective of every layer within it.

samerun.py A.h5 B.h5 [relative tolerance of the objective]
"""
import sys

import h5py
import numpy as np

# Of the root; git tells builds apart, the last places in the file. The checksum in a features file's or network's
# structure goes with the file that it came from, which is the same where these are.
ATTRIBUTES = {"created", "peak_bytes_per_rank", "git", "heap_crc32"}


def members(f, kind):
    found = {}
    f.visititems(lambda name, item: found.update({name: item}) if isinstance(item, kind) else None)
    return found


def same_attributes(a, b, where, left_out=frozenset()):
    assert a.attrs.keys() == b.attrs.keys(), (where, a.attrs.keys() ^ b.attrs.keys())
    for name in a.attrs.keys() - left_out:
        x, y = np.asarray(a.attrs[name]), np.asarray(b.attrs[name])
        assert x.dtype == y.dtype and x.tobytes() == y.tobytes(), (where, name, x, y)


def main():
    a, b = (h5py.File(name) for name in sys.argv[1:3])
    if len(sys.argv) > 3:
        assert a["history"].keys() == b["history"].keys()
        for layer in a["history"]:
            x, y = (f[f"history/{layer}/objective"][:] for f in (a, b))
            assert np.allclose(x, y, rtol=float(sys.argv[3]), atol=0), (layer, np.abs(x / y - 1).max())
        return
    x, y = members(a, h5py.Dataset), members(b, h5py.Dataset)
    assert x.keys() == y.keys(), x.keys() ^ y.keys()
    for name in x:
        if name.endswith("/seconds") or name == "options":  # options name the file
            continue
        assert x[name].dtype == y[name].dtype and x[name][()].tobytes() == y[name][()].tobytes(), name
    same_attributes(a, b, "/", ATTRIBUTES)
    for name, group in members(a, h5py.Group).items():
        same_attributes(group, b[name], name)


main()
