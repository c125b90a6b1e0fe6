"""The driver's packages, and a stand-in for weft that tells its options and keeps its arguments."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "jobs"))

from weftsweep.options import Known, Verb  # noqa: E402

LEARN = {
    "data": ("F.h5", None),
    "o": ("F.h5", None),
    "resume": (None, None),
    "check": (None, None),
    "seed": ("S", "1"),
    "weft_layers": ("L", "4"),
    "weft_atoms": ("K", "1024"),
    "weft_group_size": ("P", "4"),
    "weft_iterations": ("T", "160"),
    "weft_epochs": ("E", None),
    "weft_sparsity": ("S", "0.5"),
    "weft_width_penalty": ("M", "0"),
    "weft_connectivity_penalty": ("G", "0.1"),
    "weft_start": ("exemplars|dense", "exemplars"),
}
TRAIN = {
    "data": ("F.h5", None),
    "structure": ("RUN.h5", None),
    "o": ("NET.h5", None),
    "resume": (None, None),
    "check": (None, None),
    "seed": ("S", "1"),
    "weft_train_rule": ("R", "backprop"),
    "weft_train_epochs": ("E", "8"),
}
# Appends its arguments to $STUB_LOG. Iterations 13 are refused; 14 fail; 75 stop the first time.
STUB = """#!{python}
import json, os, sys
arguments = sys.argv[1:]
if arguments[1:] == ["-help", "-json"]:
    print(open({help!r} + arguments[0]).read())
    sys.exit(0)
with open(os.environ["STUB_LOG"], "a") as log:
    log.write(json.dumps(arguments) + "\\n")
given = dict(zip(arguments[1:], arguments[2:]))
if given.get("-weft_iterations") == "13":
    print("weft: error: -weft_iterations 13: bad luck", file=sys.stderr)
    sys.exit(2)
if "-check" in arguments:
    sys.exit(int(os.environ.get("STUB_CHECK", "0")))
print("noise")
if given.get("-weft_iterations") == "14":
    print("weft: error: -o: the disk is full", file=sys.stderr)
    print("srun: error: task 0: Exited with exit code 3")
    sys.exit(3)
if given.get("-weft_iterations") == "75" and not os.path.exists("stopped"):
    open("stopped", "w").close()
    sys.exit(75)
open(given["-o"], "w").close()
"""
# In weftpost's place, which is slow to load.
POST = """import os, sys
print("weftpost", *sys.argv[1:])
sys.exit(int(os.environ.get("STUB_POST", "0")))
"""


def verb(name: str, options: dict[str, tuple[str | None, str | None]]) -> Verb:
    known = {n: Known(n, *about, n.startswith("weft_")) for n, about in options.items()}
    return Verb(name, known)


@pytest.fixture
def verbs() -> dict[str, Verb]:
    return {"learn": verb("learn", LEARN), "train": verb("train", TRAIN)}


class Stub:
    def __init__(self, folder: Path) -> None:
        self.program = folder / "stub-weft"
        self.log = folder / "stub.log"
        self.packages = folder / "packages"
        post = self.packages / "weftpost"
        post.mkdir(parents=True)
        (post / "__init__.py").touch()
        (post / "__main__.py").write_text(POST, encoding="utf-8")
        for name, options in (("learn", LEARN), ("train", TRAIN)):
            entries = [
                {"name": f"-{n}", "argument": a, "default": d, "help": "", "per_layer": False}
                for n, (a, d) in options.items()
            ]
            (folder / f"help-{name}").write_text(json.dumps({"name": name, "options": entries}))
        text = STUB.format(python=sys.executable, help=str(folder / "help-"))
        self.program.write_text(text, encoding="utf-8")
        self.program.chmod(0o755)

    def calls(self) -> list[list[str]]:
        if not self.log.exists():
            return []
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stub:
    made = Stub(tmp_path)
    monkeypatch.setenv("WEFT", str(made.program))
    monkeypatch.setenv("STUB_LOG", str(made.log))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(SOURCE / "jobs"), str(made.packages)]))
    for name in ("ARRAY_JOB_ID", "ARRAY_TASK_ID", "JOB_ID"):
        monkeypatch.delenv(f"SLURM_{name}", raising=False)
    for name in ("WEFT_LAUNCHER_WORDS", "WEFT_SWEEP"):
        monkeypatch.delenv(name, raising=False)
    return made
