"""House rules: no file over 500 lines, no function over 80, main.c within 150, nothing left to do in the text, no threads,
a script that names its interpreter can be run by its name.

A rank is a process, and no source starts a thread: so there is nothing for a thread sanitizer to watch."""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from checks import files, finish, name, without_comments

MOST_FILE_LINES = 500
MOST_MAIN_LINES = 150
MOST_FUNCTION_LINES = 80
LEFT_TO_DO = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")  # in two parts: this file is read too
_OMP = r"omp\s+(?!(?:declare\s+)?simd\b)\w+"
THREADS = re.compile(
    r"\b(?:pthread_create|thrd_create|omp_\w+|GOMP_\w+)\s*\(|<(?:pthread|threads|omp)\.h>"
    rf"|#\s*pragma\s+{_OMP}|_Pragma\s*\(\s*\"{_OMP}"
)

Function = tuple[str, int, int]  # name, first line, lines


def c_functions(text: str) -> Iterator[Function]:
    """The style puts a function's braces, and no others that follow a parenthesis, in the first column."""
    lines = without_comments(text, strings=False).split("\n")
    for end in (i for i, line in enumerate(lines) if line.startswith("}")):
        opening = end
        while opening >= 0 and not lines[opening].startswith("{"):
            opening -= 1
        first = opening - 1
        while first > 0 and lines[first].startswith((" ", "\t")):
            first -= 1
        head = " ".join(lines[max(first, 0) : max(opening, 0)])
        called = re.search(r"\b(?!__)(\w+)\s*\(", head)
        if opening > 0 and head.rstrip().endswith(")") and called:
            yield called.group(1), first + 1, end - first + 1


def python_functions(text: str) -> Iterator[Function]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node.lineno, (node.end_lineno or node.lineno) - node.lineno + 1


def shell_functions(text: str) -> Iterator[Function]:
    for match in re.finditer(r"^(\w+) ?\(\) ?\{\n.*?^\}", text, re.MULTILINE | re.DOTALL):
        yield match.group(1), text.count("\n", 0, match.start()) + 1, match.group().count("\n") + 1


FUNCTIONS = {".c": c_functions, ".h": c_functions, ".py": python_functions, ".sh": shell_functions}


def wrong(path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8")
    lines = text.count("\n")
    most = MOST_MAIN_LINES if name(path) == "src/main.c" else MOST_FILE_LINES
    if lines > most:
        yield f"{name(path)}: {lines} lines, more than {most}"
    for called, first, length in FUNCTIONS.get(path.suffix, lambda text: ())(text):
        if length > MOST_FUNCTION_LINES:
            yield f"{name(path)}:{first}: {called}: {length} lines, more than {MOST_FUNCTION_LINES}"
    for number, line in enumerate(text.split("\n"), 1):
        if LEFT_TO_DO.search(line):
            yield f"{name(path)}:{number}: left to do: {line.strip()}"
    if text.startswith("#!") != os.access(path, os.X_OK):
        yield f"{name(path)}: a file is executable if it begins with #!, and only then"
    if path.suffix in (".c", ".h") and name(path).startswith(("src/", "include/")):
        code = without_comments(text)
        for match in THREADS.finditer(code):
            yield f"{name(path)}:{code.count(chr(10), 0, match.start()) + 1}: threads: {match.group()}"


def main() -> None:
    kinds = ("c", "h", "py", "sh", "txt", "md", "yaml")
    folders = ("src", "include", "postprocess", "tests", "jobs", "inputs")
    sources = files(*(f"{folder}/**/*.{kind}" for folder in folders for kind in kinds), "*.md", "CMakeLists.txt")
    finish([finding for path in sources for finding in wrong(path)], len(sources), "files")


if __name__ == "__main__":
    main()
