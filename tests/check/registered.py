"""Every unit test runs: each tests/unit/*.c has the main of WEFT_TEST_MAIN, whose table names every test function once."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from checks import files, finish, name, without_comments

TEST = re.compile(r"^(?:static )?void (\w+)\(void \*\*\w+\)\s*\{", re.MULTILINE)
MAIN = re.compile(r"^WEFT_TEST_MAIN\w*\((\w+)\b", re.MULTILINE)
ENTRY = re.compile(r"\bcmocka_unit_test\w*\(\s*(\w+)")


def wrong(path: Path) -> Iterator[str]:
    text = without_comments(path.read_text(encoding="utf-8"), strings=False)
    main = MAIN.search(text)
    if not main:
        yield f"{name(path)}: no WEFT_TEST_MAIN(...)"
        return
    table = re.search(rf"CMUnitTest {main.group(1)}\[\]\s*=\s*\{{(.*?)\}};", text, re.DOTALL)
    if not table:
        yield f"{name(path)}: no table {main.group(1)}[] of tests"
        return
    registered = ENTRY.findall(table.group(1))
    tests = TEST.findall(text)
    if not tests:
        yield f"{name(path)}: no test function"
    for test in tests:
        if registered.count(test) != 1:
            yield f"{name(path)}: {test} is registered {registered.count(test)} times"


def main() -> None:
    programs = files("tests/unit/*.c")
    finish([finding for path in programs for finding in wrong(path)], len(programs), "unit test programs")


if __name__ == "__main__":
    main()
