"""What the checks of tests/check share: the tree, its C sources without comments and strings, and how findings end."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

ROOT = Path(os.environ.get("WEFT_SOURCE", Path(__file__).parents[2])).resolve()

# In this order: what starts first hides the others.
_TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def files(*patterns: str) -> list[Path]:
    """Files below the root that match any of the patterns, sorted; caches left out."""
    found = {path for pattern in patterns for path in ROOT.glob(pattern) if path.is_file()}
    return sorted(path for path in found if "__pycache__" not in path.parts)


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def without_comments(text: str, strings: bool = True) -> str:
    """C without its comments, and where strings is false with empty string literals; lines keep their numbers."""

    def blank(match: re.Match[str]) -> str:
        token = match.group()
        if token[0] == "/":
            return " " + "\n" * token.count("\n")
        return token if strings else token[0] * 2

    return _TOKEN.sub(blank, text)


def finish(findings: list[str], looked_at: int, what: str) -> None:
    """Ends the check. Nothing looked at is a failure: the check would not have seen anything."""
    for finding in findings:
        print(finding)
    if not looked_at:
        print(f"there is no {what} to look at below {ROOT}")
    print(f"{looked_at} {what}: {len(findings)} findings")
    sys.exit(1 if findings or not looked_at else 0)
