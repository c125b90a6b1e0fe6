"""Every check can fail: each one passes on a small tree made for it, and finds what is then put wrong in that tree."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from includes import OWNER

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parents[1]

LEARN = """#include "cmd.h"
#include <weft/runfile.h>

static const WeftOption options[] = {{"-weft_atoms", "K", "64", "atoms "
                                                                "offered"},
                                     {NULL, NULL, NULL, NULL}};
const WeftVerb WeftVerbLearn = {"learn", NULL, "learn", "  weft learn\\n", {options}, Run};
"""
UNIT = """static void test_one(void **state)
{
  (void)state;
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_one)};
WEFT_TEST_MAIN(tests)
"""
HELP = """#!/bin/sh
[ "$2" = -help ] && echo "  -weft_atoms K    atoms offered [64]"
"""
README = """| `-weft_atoms` | 64 | atoms |

    mpirun -n 2 ./build/weft learn -weft_atoms 8 -log_view   # comment -x
"""
COMMANDS = """[{"directory": "@ROOT@", "command": "cc -c src/linalg/twice.c", "file": "@ROOT@/src/linalg/twice.c"}]
"""
TREE = {f"include/weft/{header}": "#pragma once\n" for header in OWNER} | {
    "src/main.c": '#include "cmd/cmd.h"\n',
    "src/cmd/cmd.h": "#include <weft/options.h>\n",
    "src/cmd/learn.c": LEARN,
    "src/coder/coderimpl.h": "#include <petsc/private/petscimpl.h>\n",
    "src/coder/impls/fast.c": '#include "../coderimpl.h"\n#include <weft/group.h>\n',
    "tests/lib/wefttest.h": "#include <weft/sys.h>\n",
    "tests/unit/one.c": '#include "wefttest.h"\n\n' + UNIT,
    "README.md": README,
    "inputs/claims/two.yaml": "weft_atoms: 32\n",
    "inputs/sweeps/grid.yaml": "learn:\n  weft_atoms: [32, 64]  # two\ntrain: {}\nwhere: [weft_atoms > 1]\n",
    "inputs/one.yaml": "# Every value is the default.\nweft_atoms: 64\n",
    "postprocess/weftpost/one.py": "def twice(n: int) -> int:\n    return 2 * n\n",
    "jobs/weftsweep/one.py": "",
    "src/linalg/twice.c": "int Twice(int n);\nint Twice(int n)\n{\n  return 2 * n;\n}\n",
    "compile_commands.json": COMMANDS,
    "weft": HELP,
}

# The check, the file to put wrong, its new text, and what must be found.
WRONG = [
    ("includes", "src/dict/step.c", "#include <weft/coder.h>\n", "dict -> coder points the wrong way"),
    ("includes", "src/linalg/block.c", "  #  include  <weft/stack.h>\n", "linalg -> stack points the wrong way"),
    ("includes", "include/weft/sys.h", "#include <weft/block.h>\n", "sys -> linalg points the wrong way"),
    ("includes", "include/weft/extra.h", "", "not in the table OWNER"),
    ("includes", "src/cmd/learn.c", "#include <weft/extra.h>\n", "whose header is it"),
    ("includes", "src/stack/learn.c", '#include "../coder/coderimpl.h"\n', "a private header of coder"),
    ("includes", "src/main.c", '#include "coder/coderimpl.h"\n', "a private header of coder"),
    ("includes", "src/cmd/learn.c", '#include "weft/sys.h"\n', "no such file beside it"),
    ("includes", "src/cmd/learn.c", '#include "../../include/weft/sys.h"\n', "stays in its own folder"),
    ("includes", "tests/unit/one.c", '#include "../../src/cmd/cmd.h"\n', "stays in its own folder"),
    ("includes", "src/dict/step.c", "#include <petsc/private/petscimpl.h>\n", "for src/coder alone"),
    ("includes", "src/other/one.c", "#include <weft/sys.h>\n", "no place in the table LEVEL"),
    ("options", "src/cmd/learn.c", LEARN.replace("offered", "given"), "-help does not print"),
    ("options", "src/cmd/learn.c", LEARN.replace('"64"', '"32"'), "default 64, in the source 32"),
    ("options", "src/cmd/learn.c", LEARN.replace("{options}", "{others}"), "KeyError"),
    ("options", "src/cmd/learn.c", LEARN.replace('"atoms "', "NULL").replace('"offered"', ""), "no help"),
    ("options", "src/cmd/other.c", 'static const WeftOption more[] = {{"-x", NULL, NULL, "h"}, {0}};\n', "of no verb"),
    ("options", "README.md", "", "no row for -weft_atoms"),
    ("options", "README.md", README + "| `-weft_atom` | 64 | atoms |\n", "-weft_atom, which does not exist"),
    ("options", "README.md", README + "Use -weft_units.\n", "-weft_units does not exist"),
    ("options", "README.md", README + "`weft lern -o x`\n", "there is no verb lern"),
    ("options", "README.md", README + "`weft learn -resum`\n", "weft learn has no option -resum"),
    ("options", "inputs/one.yaml", "weft_atom: 64\n", "no option of weft learn"),
    ("options", "inputs/claims/two.yaml", "weft_atom: 64\n", "no option of weft learn"),
    ("options", "inputs/sweeps/grid.yaml", "learn:\n  weft_atom: [8]\n", "weft_atom: no option of weft learn"),
    ("options", "inputs/sweeps/grid.yaml", "train:\n  weft_atoms: 8\n", "weft_atoms: no option of weft train"),
    ("options", "inputs/claims/train-two.yaml", "weft_atoms: 64\n", "no option of weft train"),
    ("options", "inputs/one.yaml", "# Every value is the default.\nweft_atoms: 8\n", "the default is 64"),
    ("rules", "src/long.c", "int x;\n" * 501, "501 lines, more than 500"),
    ("rules", "src/main.c", "int x;\n" * 151, "151 lines, more than 150"),
    ("rules", "src/long.c", "static int Long(int a,\n  int b)\n{\n" + "  f(\"}\");\n" * 78 + "}\n", "Long: 82 lines"),
    ("rules", "postprocess/long.py", "def long():\n" + "    f()\n" * 80, "long: 81 lines"),
    ("rules", "jobs/long.sh", "long() {\n" + "  f\n" * 79 + "}\n", "long: 81 lines"),
    ("rules", "jobs/one.sh", "#!/bin/sh\n", "a file is executable if it begins with #!"),
    ("rules", "src/one.c", "/* FIX" + "ME */\n", "left to do"),
    ("rules", "src/one.c", "int x;\nint y = pthread_create(&t, NULL, f, NULL);\n", "src/one.c:2: threads: pthread_create"),
    ("rules", "include/weft/sys.h", "#include <threads.h>\n", "threads: <threads.h>"),
    ("rules", "src/one.c", "#pragma omp simd\n#pragma omp parallel for\n", "src/one.c:2: threads: #pragma omp parallel"),
    ("rules", "src/one.c", "_Pragma(\"omp parallel\") {}\n", "threads: _Pragma"),
    ("registered", "tests/unit/one.c", UNIT.replace("WEFT_TEST_MAIN(tests)", "int main(void);"), "no WEFT_TEST_MAIN"),
    ("registered", "tests/unit/one.c", UNIT.replace("(test_one)", "(test_two)"), "test_one is registered 0 times"),
    ("registered", "tests/unit/one.c", UNIT.replace("MAIN(tests)", "MAIN(others)"), "no table others[]"),
    ("registered", "tests/unit/one.c", UNIT.replace("  (void)state;", "/* void test_one(void **s) { */").replace(
        "cmocka_unit_test(test_one)", "/* cmocka_unit_test(test_one) */"), "registered 0 times"),
    ("types", "postprocess/weftpost/two.py", "from .one import twice\nx: str = twice(1)\n", "Incompatible types"),
    ("types", "jobs/weftsweep/two.py", "def f() -> int:\n    return None\n", "Incompatible return value"),
    ("format", "src/one.c", "int  x ;\n", "clang-format-violations"),
    ("cppcheck", "src/one.c", "int f(void);\nint f(void)\n{\n  int a[2] = {0};\n  return a[2];\n}\n", "out of bounds"),
    ("tidy", "src/linalg/twice.c", "int f(void);\nint f(void)\n{\n  int *p = 0;\n  return *p;\n}\n", "null pointer"),
]


def run(check: str, root: Path) -> tuple[int, str]:
    environment = os.environ | {"WEFT_SOURCE": str(root), "WEFT": str(root / "weft")}
    script = HERE / f"{check}.sh"
    command = ["bash", str(script)] if script.exists() else [sys.executable, str(HERE / f"{check}.py")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def make(root: Path, more: dict[str, str]) -> None:
    for path, text in (TREE | more).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text.replace("@ROOT@", str(root)), encoding="utf-8")
    (root / "weft").chmod(0o755)
    for rules in (".clang-format", ".clang-tidy"):
        shutil.copy(SOURCE / rules, root)
    shutil.copy(SOURCE / "postprocess/pyproject.toml", root / "postprocess")


def attempt(check: str, more: dict[str, str]) -> tuple[int, str]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        make(root, more)
        return run(check, root)


def main() -> None:
    failures = []
    checks = sorted({script.stem for script in HERE.iterdir() if script.suffix in (".py", ".sh")} - {"selftest"})
    skipped = set()
    for check in checks:
        # The bad samples only have the C that their check reads, so the format is judged on a file of its own.
        status, output = attempt(check, dict.fromkeys(TREE, "") if check == "format" else {})
        if status == 77:
            skipped.add(check)
        elif status:
            failures.append(f"{check}: status {status} on the good tree: {output}")
        if check not in {case[0] for case in WRONG}:
            failures.append(f"{check}: nothing here proves that it can fail")
    for check, path, text, words in WRONG:
        status, output = attempt(check, {path: text})
        if check not in skipped and (status != 1 or words not in output):
            failures.append(f"{check}: status {status} and not '{words}' with {path} put wrong: {output}")
    print(*failures, f"{len(WRONG)} wrong trees, {len(failures)} not found; skipped: {skipped or 'none'}", sep="\n")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
