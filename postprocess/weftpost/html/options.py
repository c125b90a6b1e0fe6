"""The options as run, beside their defaults where these are given: a run file has none."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from ..errors import UserError
from .markup import join, tag
from .page import Section
from .table import Column, breakable, pairs, table

Defaults = dict[str, str]
OF_ONE_LAYER = re.compile(r"^layer\d+_")
FILES = ("data", "o", "structure", "network")  # no default could be meant


def section(options: dict[str, str], defaults: Defaults) -> Section:
    if not options:
        return Section("Options", tag("p", "The file holds no options."))
    caption = "Options as run"
    if not defaults:
        return Section("Options", pairs(caption, ("option", "value"), options.items()))
    changed = sum(_differs(name, value, defaults) for name, value in options.items())
    words = f"{changed} of {len(options)} differ from their defaults."
    columns = [Column(title, numeric=False) for title in ("option", "value", "default", "differs")]
    rows = [_row(name, value, defaults) for name, value in options.items()]
    whole = table(caption, columns, rows, class_="pairs")
    return Section("Options", join((tag("p", words), whole)))


def _row(name: str, value: str, defaults: Defaults) -> list[str]:
    differs = _differs(name, value, defaults)
    shown = tag("mark", breakable(value)) if differs else breakable(value)
    return [breakable(name), shown, _default(name, defaults) or "none", "yes" if differs else ""]


def _default(name: str, defaults: Defaults) -> str | None:
    """An option for one layer has the default of all layers."""
    return defaults.get(OF_ONE_LAYER.sub("", name))


def _differs(name: str, value: str, defaults: Defaults) -> bool:
    default = _default(name, defaults)
    if default is None or name in FILES:
        return False
    try:
        return float(value) != float(default)  # 1e-3 is 0.001
    except ValueError:
        return value != default


def read_defaults(path: Path, verb: str) -> Defaults:
    """Of what `weft -help -json` or `weft VERB -help -json` printed."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        verbs = found.get("verbs", [found])
        return _defaults(next(each for each in verbs if each["name"] == verb))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error
    except StopIteration:
        words = f"{path}: nothing of weft {verb}; give what weft -help -json printed"
        raise UserError(words) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: not what weft -help -json printed") from error


def _defaults(verb: dict[str, Any]) -> Defaults:
    return {
        option["name"].lstrip("-"): str(option["default"])
        for option in verb["options"]
        if option["default"] is not None
    }
