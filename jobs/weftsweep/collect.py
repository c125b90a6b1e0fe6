"""After the last point: the table and the report of a sweep, by weftpost.

    python3 -m weftsweep.collect DIR
"""

from __future__ import annotations

import subprocess
import sys

STEPS = ("sweep", "report")


def collect(directory: str) -> int:
    """Both are tried: a report that fails leaves the table."""
    codes = []
    for step in STEPS:
        print(f"== weft-post {step} {directory}", flush=True)
        command = [sys.executable, "-m", "weftpost", step, directory]
        codes.append(subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode)
    return max(codes)


if __name__ == "__main__":
    sys.exit(collect(sys.argv[1]))
