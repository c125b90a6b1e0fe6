"""The options as run, from a run or network file's /options."""

from __future__ import annotations

import h5py


def read_options(file: h5py.File) -> dict[str, str]:
    """Value by name, names without the dash; empty where the file has none."""
    if "/options" not in file:
        return {}
    text = file["/options"][()]
    lines = (text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)).splitlines()
    pairs = (line.partition(":") for line in lines if ":" in line)
    return {name.strip().lstrip("-"): value.strip().strip("'\"") for name, _, value in pairs}
