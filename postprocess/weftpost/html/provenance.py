"""Where a file comes from: when, with what, on how many ranks."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from .facts import Facts
from .markup import Html, join, tag
from .page import Section
from .table import pairs

TITLES = {
    "created": "written",
    "weft_version": "Weft",
    "git": "source",
    "petsc": "PETSc",
    "hdf5": "HDF5",
    "mpi": "MPI",
    "ranks": "ranks",
    "seed": "seed",
    "samples": "samples",
    "data_checksum": "checksum of the data",
    "shape": "picture shape",
    "pixel_order": "pixel order",
    "rule": "training rule",
    "structure": "structure and its checksum",
    "weft_schema": "schema of the file",
}


def section(path: Path, facts: Facts) -> Section:
    rows = [("file", str(path))]
    rows += [(words, facts.text(name)) for name, words in TITLES.items() if name in facts.root]
    whole = pairs("Where the file comes from", ("what", "as the file says"), rows)
    return Section("The file", whole)


def cautions(complete: bool, done: str, notes: Iterable[str] = ()) -> Html:
    """What a reader must know before the figures."""
    lines = list(notes)
    if not complete:
        lines.insert(0, f"Not finished: a checkpoint, after {done}. Figures may still change.")
    return join(tag("p", line[:1].upper() + line[1:], class_="caution") for line in lines)
