"""Who may include whom: cmd -> bench -> train -> io -> stack -> {coder, dict, prep, data} -> linalg -> sys.

A folder of src/ may use the public headers of the folders to the right of it and of its own; those in braces do not see
one another. A private header is for the folder of src/ that it lies in. PETSc's private headers are for the coder.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from checks import ROOT, files, finish, name, without_comments

LEVEL = {"sys": 1, "linalg": 2, "data": 3, "prep": 3, "dict": 3, "coder": 3, "share": 3, "stack": 4, "io": 5, "train": 6, "bench": 7, "cmd": 8, "tests": 9}

# The folder whose object each public header of include/weft declares. A new header gets its line here.
OWNER = {
    "h5.h": "sys",
    "help.h": "sys",
    "json.h": "sys",
    "lock.h": "sys",
    "memory.h": "sys",
    "options.h": "sys",
    "output.h": "sys",
    "random.h": "sys",
    "sys.h": "sys",
    "block.h": "linalg",
    "cholesky.h": "linalg",
    "codes.h": "linalg",
    "group.h": "linalg",
    "normal.h": "linalg",
    "panel.h": "linalg",
    "spectral.h": "linalg",
    "data.h": "data",
    "import.h": "data",
    "synth.h": "data",
    "prep.h": "prep",
    "lattice.h": "share",
    "share.h": "share",
    "dict.h": "dict",
    "coder.h": "coder",
    "cost.h": "stack",
    "response.h": "stack",
    "information.h": "stack",
    "layers.h": "stack",
    "stack.h": "stack",
    "features.h": "io",
    "readout.h": "train",
    "runfile.h": "io",
    "structure.h": "io",
    "kind.h": "train",
    "network.h": "io",
    "networkfile.h": "io",
    "train.h": "train",
    "bench.h": "bench",
}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def folder(path: Path) -> str | None:
    """The part of the program that a file belongs to; main.c is one with the verbs, a test sees public headers."""
    parts = path.relative_to(ROOT).parts
    if parts[0] == "include":
        return OWNER.get("/".join(parts[2:]))
    if parts[0] == "tests":
        return "tests"
    return parts[1] if len(parts) > 2 else "cmd"


def wrong(path: Path, quote: str, target: str) -> str | None:
    """What is wrong with an #include line of the file, or None."""
    here = folder(path)
    if here is None:
        return None  # a header without an owner is a finding of its own
    if here not in LEVEL:
        return f"{here} has no place in the table LEVEL of {Path(__file__).name}"
    if "petsc/private" in target and here != "coder":
        return "PETSc's private headers are for src/coder alone"
    if quote == "<":
        return wrong_public(here, target[5:]) if target.startswith("weft/") else None
    return wrong_private(path, here, target)


def wrong_public(here: str, header: str) -> str | None:
    there = OWNER.get(header)
    if there is None:
        return f"whose header is it? The table OWNER of {Path(__file__).name} does not know it"
    if there == here or LEVEL[there] < LEVEL[here]:
        return None
    return f"the arrow {here} -> {there} points the wrong way"


def wrong_private(path: Path, here: str, target: str) -> str | None:
    places = [path.parent] + ([ROOT / "tests/lib"] if here == "tests" else [])
    found = [place for place in (Path(os.path.normpath(place / target)) for place in places) if place.is_file()]
    if not found:
        return "no such file beside it; public headers are included as <weft/...>"
    top = path.relative_to(ROOT).parts[0]
    if top == "include" or ROOT / top not in found[0].parents:
        return "public headers are included as <weft/...>, and a private header stays in its own folder"
    return None if folder(found[0]) == here else f"a private header of {folder(found[0])}: not for {here}"


def main() -> None:
    findings = []
    headers = {path.relative_to(ROOT / "include/weft").as_posix() for path in files("include/weft/**/*.h")}
    findings += [f"include/weft/{header}: not in the table OWNER" for header in sorted(headers - OWNER.keys())]
    findings += [f"include/weft/{header}: in the table OWNER, but not there" for header in sorted(OWNER.keys() - headers)]
    sources = files("src/**/*.[ch]", "include/**/*.h", "tests/**/*.[ch]")
    for path in sources:
        text = without_comments(path.read_text(encoding="utf-8"))
        for match in INCLUDE.finditer(text):
            reason = wrong(path, *match.groups())
            if reason:
                line = text.count("\n", 0, match.start()) + 1
                findings.append(f"{name(path)}:{line}: {match.group(2)}: {reason}")
    finish(findings, len(sources), "C files")


if __name__ == "__main__":
    main()
