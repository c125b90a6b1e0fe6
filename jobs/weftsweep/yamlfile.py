"""YAML as text: what was written reaches weft as it stands, 1e-3, 010 and no among it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from .errors import SweepError, one_line

MOST_BYTES = 1 << 20


class _Loader(yaml.BaseLoader):
    """Makes text, lists and mappings, and nothing else; a key that stands twice is a mistake."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _wrong("a key is not a word", key)
            if key.value in seen:
                raise _wrong(f"{key.value} stands twice", key)
            seen.add(key.value)
        made: dict[Any, Any] = super().construct_mapping(node, deep=True)
        return made


def _wrong(words: str, key: yaml.Node) -> yaml.MarkedYAMLError:
    return yaml.constructor.ConstructorError(None, None, words, key.start_mark)


def load(path: Path) -> tuple[dict[str, Any], str]:
    """The mapping, and the text of the file."""
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
        if len(raw) > MOST_BYTES:
            raise SweepError(f"{path}: larger than {MOST_BYTES} bytes; a grid is a few lines")
        text = raw.decode("utf-8")
    except OSError as error:
        raise SweepError(f"{path}: cannot be read ({error.strerror or error})") from None
    except UnicodeDecodeError:
        raise SweepError(f"{path}: not a text file in UTF-8") from None
    return _parse(path, text), text


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        found = yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        at = f" line {mark.line + 1}, column {mark.column + 1}:" if mark else ""
        raise SweepError(f"{path}:{at} {one_line(error.problem or 'not YAML')}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise SweepError(f"{path}: not YAML ({one_line(str(error))[:200]})") from None
    if not isinstance(found, dict):
        raise SweepError(f"{path}: no sections; write learn: and under it options of weft learn")
    return found
