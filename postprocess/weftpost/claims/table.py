"""The claims' table, as Markdown, CSV and HDF5."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import h5py
import numpy as np

from .rows import Row

CLAIMS = {
    "a": "Larger information at the output goes with better accuracy",
    "b": "Sparse coding raises the information of the output",
    "c": "Local connectivity is found",
    "d": "Invariance is found",
    "e": "The depth rule stops where accuracy stops gaining",
    "f": "The learned structure is as accurate as the experts'",
}
TITLES = ("figure", "data", "value", "range", "of", "aim", "")
DECIMALS = {"%": 2, "bit": 1, "pixels": 2, "inputs": 2}
COLUMNS = ("claim", "data", "what", "value", "low", "high", "count", "unit", "aim", "met")


def as_markdown(rows: list[Row], missing: dict[str, int]) -> str:
    lines = []
    for claim, words in CLAIMS.items():
        lines += [f"### {claim}. {words}", ""]
        own = [row for row in rows if row.claim == claim]
        if own:
            lines += ["| " + " | ".join(TITLES) + " |", "|---|---|---:|---|---:|---|---|"]
            lines += [_line(row) for row in own] + [""]
        if missing.get(claim):
            lines += [f"{missing[claim]} files are missing: `./jobs/claims.sh` goes on.", ""]
    return "\n".join(lines)


def _line(row: Row) -> str:
    met = {None: "", True: "met", False: "**not met**"}[row.met]
    value = f"{number(row.value, row.unit)} {row.unit}".strip()
    span = "" if row.low is None else f"{number(row.low, row.unit)} to {number(row.high, row.unit)}"
    cells = (row.what, row.data, value, span, str(row.count), row.aim, met)
    return "| " + " | ".join(cells) + " |"


def number(value: float | None, unit: str) -> str:
    """Decimals by unit, so that a column of one unit lines up; whole numbers without a unit as such."""
    if value is None or not np.isfinite(value):
        return "unknown"
    if unit in DECIMALS:
        return f"{value:.{DECIMALS[unit]}f}"
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    return f"{value:.3f}" if abs(value) >= 1e-3 else f"{value:.1e}"


def as_csv(rows: list[Row]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow(["" if v is None else v for v in (getattr(row, c) for c in COLUMNS)])
    return out.getvalue()


def write_hdf5(path: Path, rows: list[Row]) -> None:
    """/claims/COLUMN, one entry per row of the table; met: 1, 0, or -1 where nothing was aimed at."""
    with h5py.File(path, "w") as file:
        for name in COLUMNS:
            values = [getattr(row, name) for row in rows]
            if name == "met":
                data: object = np.array([-1 if v is None else int(v) for v in values], np.int8)
            elif name in ("value", "low", "high", "count"):
                data = np.array([np.nan if v is None else v for v in values], float)
            else:
                data = np.array(values, dtype=h5py.string_dtype())
            column = file.create_dataset(f"/claims/{name}", data=data)
            column.attrs["description"] = DESCRIPTIONS[name]
            column.dims[0].label = "figure"


DESCRIPTIONS = {
    "claim": "letter of the claim",
    "data": "name of the data set",
    "what": "which figure",
    "value": "mean where it is of several",
    "low": "least, or lower end of the interval; NaN: none",
    "high": "largest, or upper end of the interval; NaN: none",
    "count": "structures, seeds or layers that it is of",
    "unit": "of value, low and high",
    "aim": "what was aimed at",
    "met": "1: the aim is met, 0: it is not, -1: nothing was aimed at",
}
