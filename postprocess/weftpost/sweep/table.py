"""A sweep's table as CSV and HDF5."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import h5py

from .collect import Sweep
from .columns import columns
from .manifest import KNOWN


def as_csv(sweep: Sweep) -> str:
    """One row for each point, in the order of the manifest; what is not known is empty."""
    found = columns(sweep)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([column.name for column in found])
    writer.writerows(zip(*(column.texts for column in found)))
    return out.getvalue()


def write_hdf5(path: Path, sweep: Sweep) -> None:
    """/table/COLUMN, one entry for each point; numbers are float64, NaN where not known."""
    with h5py.File(path, "w") as file:
        file.attrs["weft_sweep"] = KNOWN
        file.attrs["data"] = sweep.data
        file.attrs["created"] = sweep.created
        for column in columns(sweep):
            if column.numbers is None:
                words = {"data": column.texts, "dtype": h5py.string_dtype()}
                dataset = file.create_dataset(f"/table/{column.name}", **words)
            else:
                dataset = file.create_dataset(f"/table/{column.name}", data=column.numbers)
            dataset.attrs["description"] = column.description
            dataset.attrs["units"] = column.units
            dataset.dims[0].label = "point"
