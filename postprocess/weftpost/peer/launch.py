"""Starts PyTorch in a process of its own: BLAS reads its settings when it loads, before any of ours runs."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from ..errors import UserError

PACKAGES = Path(__file__).resolve().parents[2]
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS")
MARK = "WEFTPOST_THREADS"  # set in the process that works


def need_torch() -> None:
    if not importlib.util.find_spec("torch"):
        raise UserError("this Python has no PyTorch (Debian: python3-torch, for /usr/bin/python3)")


def relaunch(arguments: list[str], threads: int) -> int | None:
    """The status of the process that did the work; None in that process itself."""
    if os.environ.get(MARK) == str(threads):
        return None
    command = [sys.executable, "-m", "weftpost", *arguments]
    return subprocess.run(command, env=environment(threads), check=False).returncode


def environment(threads: int) -> dict[str, str]:
    path = os.pathsep.join(filter(None, (str(PACKAGES), os.environ.get("PYTHONPATH"))))
    settings = {**os.environ, **dict.fromkeys(THREADS, str(threads))}
    if "OPENBLAS_CORETYPE" not in settings and _blas_mistakes_the_processor():
        settings["OPENBLAS_CORETYPE"] = "SkylakeX" if "avx512f" in _flags() else "Haswell"
    return {**settings, "PYTHONPATH": path, MARK: str(threads)}


def _blas_mistakes_the_processor() -> bool:
    """OpenBLAS takes processors newer than itself for one of 2004, and is five times too slow."""
    try:
        name = ctypes.CDLL("libblas.so.3").openblas_get_corename
    except (OSError, AttributeError):
        return False
    name.restype = ctypes.c_char_p
    return name() in (b"Prescott", b"Generic") and "avx2" in _flags()


def _flags() -> set[str]:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return set()
    lines = (line for line in text.splitlines() if line.startswith("flags"))
    return set(next(lines, "").split())
