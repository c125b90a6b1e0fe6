"""Makes hostile variants of good HDF5 files: wrong types, ranks and sizes, hostile attributes and links, numbers that
cannot be. The good files hold no checksums (tests/fuzz/good.sh), which would tell before a reader sees the damage.

    hostile.py FOLDER SHARE data=good.h5 run=run.h5 ...

leaves FOLDER/KIND-PLACE-DAMAGE.h5 for every case and prints one line, KIND FILE, for each; for one in four also a
variant in which every dataset has a checksum, a wrong one, with "summed" for KIND. SHARE: one in so many of the pairs of
place and damage, in turn, so that each place and each damage has its share; 1 stands for all.
"""
from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np

Make = Callable[[h5py.File, str, np.ndarray], None]
ENORMOUS = 2**40
# Found once, and so always tried: ended in a fault, a crash or more memory than there is.
FOUND = {
    "run": {("layers/0/shared/row", "enormous-both")},
    "network": {("network/layers/0@rows", "billion"), ("network/layers/0@group_size", "billion"),
                ("network/layers/1@inputs", "million"), ("network/layers/0@pooled_channels", "million")},
    "learning": {("state@lambda", "real-minus"), ("state@eta_floor", "nan"), ("state/eta", "long-double"),
                 ("layers/0/mean", "inf"), ("layers/0/whitening", "greatest"), ("state/codes/value", "inf")},
}


def _anew(file: h5py.File, path: str, **arguments: object) -> None:
    del file[path]
    file.create_dataset(path, **arguments)


def _typed(kind: object) -> Make:
    def make(file: h5py.File, path: str, values: np.ndarray) -> None:
        _anew(file, path, shape=values.shape, dtype=kind)
    return make


def _filled(value: float) -> Make:
    """The first number and the last."""
    def make(file: h5py.File, path: str, values: np.ndarray) -> None:
        whole = values.dtype.kind in "iu" and abs(value) < 2**63
        changed = values.astype("i8" if whole else "f8")
        changed.reshape(-1)[[0, -1]] = value
        _anew(file, path, data=changed)
    return make


def _shaped(change: Callable[[tuple[int, ...]], tuple[int, ...]], **arguments: object) -> Make:
    def make(file: h5py.File, path: str, values: np.ndarray) -> None:
        shape = change(values.shape)
        chunks = tuple(max(1, min(n, 16)) for n in shape) if "chunked" in arguments else None
        _anew(file, path, shape=shape, dtype=values.dtype, chunks=chunks)
    return make


def _unallocated_rows(file: h5py.File, path: str, values: np.ndarray) -> None:
    """Contiguous, and never written: the file holds none of it."""
    space = h5py.h5s.create_simple((ENORMOUS, *values.shape[1:]))
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_alloc_time(h5py.h5d.ALLOC_TIME_LATE)
    kind = h5py.h5t.py_create(values.dtype)
    del file[path]
    h5py.h5d.create(file.id, path.encode(), kind, space, creation)


def _linked(link: Callable[[str], object]) -> Make:
    def make(file: h5py.File, path: str, values: np.ndarray) -> None:
        del file[path]
        file[path] = link(path)
    return make


def _group(file: h5py.File, path: str, values: np.ndarray) -> None:
    del file[path]
    file.create_group(path)


def _deep_group(file: h5py.File, path: str, values: np.ndarray) -> None:
    del file[path]
    file.create_group(path + "/x" * 2000)


def _loop(file: h5py.File, path: str, values: np.ndarray) -> None:
    """The name leads back to the root: groups without end."""
    del file[path]
    file[path] = file["/"]


def _virtual(file: h5py.File, path: str, values: np.ndarray) -> None:
    layout = h5py.VirtualLayout(shape=values.shape, dtype=values.dtype)
    layout[...] = h5py.VirtualSource("none.h5", "x", shape=values.shape)
    del file[path]
    file.create_virtual_dataset(path, layout)


def _external(file: h5py.File, path: str, values: np.ndarray) -> None:
    _anew(file, path, shape=values.shape, dtype=values.dtype, external=[("none.raw", 0, h5py.h5f.UNLIMITED)])


def _packed(file: h5py.File, path: str, values: np.ndarray) -> None:
    """Packed data are good; then a byte of them is not."""
    _anew(file, path, data=values, chunks=values.shape, compression="gzip", fletcher32=True)
    file.flush()
    info = file[path].id.get_chunk_info(0)
    with open(file.filename, "r+b") as raw:
        raw.seek(info.byte_offset + info.size // 2)
        raw.write(b"\xa5\x5a\xa5")


DATASET: dict[str, Make] = {
    "gone": lambda file, path, values: file.__delitem__(path),
    "enormous-rows": _shaped(lambda s: (ENORMOUS, *s[1:]), chunked=True),
    "enormous-columns": _shaped(lambda s: (*s[:-1], ENORMOUS), chunked=True),
    "enormous-both": _shaped(lambda s: (2**62,) * len(s), chunked=True),
    "gigabytes": _shaped(lambda s: (*s[:-1], 2**33 // max(1, int(np.prod(s[:-1])))), chunked=True),
    "unallocated": _unallocated_rows,
    "row-more": _shaped(lambda s: (s[0] + 1, *s[1:])),
    "row-less": _shaped(lambda s: (s[0] - 1, *s[1:])),
    "no-rows": _shaped(lambda s: (0, *s[1:])),
    "no-columns": _shaped(lambda s: (*s[:-1], 0)),
    "one": _shaped(lambda s: (1,) * len(s)),
    "rank-more": _shaped(lambda s: (*s, 1)),
    "rank-32": _shaped(lambda s: (1,) * 32),
    "scalar": _shaped(lambda s: ()),
    "null": lambda file, path, values: _anew(file, path, data=h5py.Empty("f4")),
    "text": _typed("S3"),
    "text-free": _typed(h5py.string_dtype()),
    "compound": _typed([("a", "f4"), ("b", "i8")]),
    "enum": _typed(h5py.enum_dtype({"no": 0, "yes": 1}, basetype="i1")),
    "reference": _typed(h5py.ref_dtype),
    "vlen": _typed(h5py.vlen_dtype(np.dtype("f8"))),
    "opaque": _typed("V7"),
    "array": _typed(np.dtype(("f8", (3,)))),
    "half": _typed("f2"),
    "long-double": _typed(np.longdouble),
    "big-endian": _typed(">f8"),
    "signed-byte": _typed("i1"),
    "nan": _filled(np.nan),
    "inf": _filled(np.inf),
    "minus": _filled(-1),
    "thousand": _filled(1000),
    "greatest": _filled(2**62),
    "overflow": _filled(1e308),
    "tiny": _filled(5e-324),
    "group": _group,
    "deep-group": _deep_group,
    "loop": _loop,
    "type": _linked(lambda path: np.dtype("f8")),
    "soft-self": _linked(lambda path: h5py.SoftLink("/" + path)),
    "soft-nowhere": _linked(lambda path: h5py.SoftLink("/no/where")),
    "soft-root": _linked(lambda path: h5py.SoftLink("/")),
    "external-link": _linked(lambda path: h5py.ExternalLink("none.h5", "/x")),
    "virtual": _virtual,
    "external": _external,
    "packed-damaged": _packed,
}


def _set(value: object) -> Make:
    def make(file: h5py.File, path: str, values: np.ndarray) -> None:
        place, _, name = path.rpartition("@")
        attributes = file[place or "/"].attrs
        del attributes[name]
        attributes[name] = value
    return make


def _gone(file: h5py.File, path: str, values: np.ndarray) -> None:
    place, _, name = path.rpartition("@")
    del file[place or "/"].attrs[name]


ATTRIBUTE: dict[str, Make] = {
    "gone": _gone,
    "zero": _set(np.int64(0)),
    "minus": _set(np.int64(-1)),
    "lowest": _set(np.int64(-2**63)),
    "greatest": _set(np.int64(2**63 - 1)),
    "unsigned": _set(np.uint64(2**64 - 1)),
    "million": _set(np.int64(10**6)),
    "billion": _set(np.int64(2**31 - 1)),
    "nan": _set(np.float64(np.nan)),
    "inf": _set(np.float64(np.inf)),
    "real-minus": _set(np.float64(-1)),
    "real-zero": _set(np.float64(0)),
    "real-overflow": _set(np.float64(1e308)),
    "text": _set("1"),
    "text-fixed": _set(np.bytes_(b"abc")),
    "text-long": _set("x" * 60000),
    "text-binary": _set(np.bytes_(b"\xff\xfe\n\x1b[2J%s%n")),
    "text-lines": _set("a\nweft: error: b\n"),
    "list": _set(np.arange(3)),
    "list-minus": _set(np.array([-6, -6, 1])),
    "list-overflow": _set(np.array([2**32, 2**32, 1])),
    "list-long": _set(np.arange(7000)),
    "list-short": _set(np.arange(2)),
    "empty": _set(h5py.Empty("i8")),
    "no-entries": _set(np.zeros(0, "i8")),
    "compound": _set(np.zeros((), [("a", "i4"), ("b", "f8")])),
    "flag": _set(np.bool_(True)),
    "texts": _set(["a", "b"]),
}


def _places(path: Path) -> tuple[list[str], list[str]]:
    """Datasets of numbers, and attributes that are not there for people alone."""
    datasets: list[str] = []
    attributes: list[str] = []
    notes = {"description", "units", "DIMENSION_LABELS"}

    def visit(name: str, thing: h5py.Dataset | h5py.Group) -> None:
        if isinstance(thing, h5py.Dataset) and thing.dtype.kind in "iuf" and thing.shape and thing.size:
            datasets.append(name)
        attributes.extend(f"{name}@{a}" for a in thing.attrs if a not in notes)

    with h5py.File(path) as file:
        attributes.extend(f"@{a}" for a in file.attrs)
        file.visititems(visit)
    return datasets, attributes


def cases(path: Path) -> Iterator[tuple[str, str, Make]]:
    """Place, name of the damage, and what does it. Damages follow one another, and places within them."""
    datasets, attributes = _places(path)
    for places, damages in ((datasets, DATASET), (attributes, ATTRIBUTE)):
        for damage, make in damages.items():
            for place in places:
                yield place, damage, make


def _spoil(good: Path, bad: Path, place: str, make: Make) -> None:
    shutil.copy(good, bad)
    with h5py.File(bad, "r+") as file:
        values = np.zeros(0) if "@" in place else file[place][()]
        make(file, place, values)


def _sum(good: Path, bad: Path) -> None:
    """What was changed must be read to its end before it is found to be another."""
    def mark(_: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            item.attrs["crc32"] = 1
    shutil.copy(good, bad)
    with h5py.File(bad, "r+") as file:
        file.visititems(mark)


def main(folder: str, share: str, *kinds: str) -> None:
    for kind, _, good in (argument.partition("=") for argument in kinds):
        for number, (place, damage, make) in enumerate(cases(Path(good))):
            found = (place, damage) in FOUND.get(kind, ())
            if not found and (number * 2654435761 >> 7) % int(share):  # a hash: a step would walk the diagonal
                continue
            bad = Path(folder) / f"{kind}-{place.replace('/', '.')}-{damage}.h5"
            _spoil(Path(good), bad, place, make)
            print(kind, bad)
            if not (number * 2654435761 >> 23) % 4:
                summed = bad.with_name(f"{bad.stem}-summed.h5")
                _sum(bad, summed)
                print("summed", summed)


if __name__ == "__main__":
    main(*sys.argv[1:])
