"""The options are documented as they are: each has help, `weft VERB -help` shows its help and default, the tables of
README.md and inputs/README.md name every -weft_ option with its default, and no text names an option or verb that does
not exist. Needs WEFT, the program."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from checks import ROOT, files, finish, name, without_comments

EVERYWHERE = {"-help", "-h", "-version", "-options_file", "-log_view", "-info"}  # every verb takes these
FORMS_OF_HELP = {"-json", "-man"}
TABLE_OF_ALL_VERBS = "WeftOptionsEverywhere"
EVERY_VALUE_IS_THE_DEFAULT = "Every value is the default."  # a YAML file that says so is held to it

TABLE = re.compile(r"\bWeftOption\s+(\w+)\[\]\s*=\s*(?=\{)")
VERB = re.compile(r"\bWeftVerb\s+\w+\s*=\s*(?=\{)")
TOKEN = re.compile(r'"((?:\\.|[^"\\])*)"|([{},])|\[\w+\]\s*=|([\w.]+)')
SECTION = re.compile(r"^(learn|train):[^\n]*\n((?:[ \t]+[^\n]*\n)+)", re.MULTILINE)
ROW = re.compile(r"^\|\s*`(-[\w-]+)[^`]*`\s*\|\s*([^|]*?)\s*\|", re.MULTILINE)


@dataclass(frozen=True)
class Option:
    name: str
    argument: str | None
    default: str | None
    help: str | None

    def line(self) -> str:
        """As WeftHelp() prints it, spaces aside."""
        head = f"{self.name} {self.argument}" if self.argument else self.name
        return f"{head} {self.help}" + (f" [{self.default}]" if self.default is not None else "")


@dataclass(frozen=True)
class Verb:
    name: str
    options: tuple[Option, ...]


# ---- the tables in the source ----


def parse(text: str, start: int) -> list:
    """The initialiser whose brace is at start, as nested lists of strings, None (NULL, 0) and identifiers (@name)."""
    stack: list[list] = [[]]
    joined = False  # does a string that follows a string continue it?
    for match in TOKEN.finditer(text, start):
        string, mark, word = match.groups()
        if mark == "{":
            stack.append([])
        elif mark == "}":
            done = stack.pop()
            stack[-1].append(done)
            if len(stack) == 1:
                return done
        elif string is not None and joined:
            stack[-1][-1] += unescape(string)
        elif string is not None:
            stack[-1].append(unescape(string))
        elif word:
            stack[-1].append(None if word in ("NULL", "0") else "@" + word)
        joined = string is not None
    raise SyntaxError("a brace is not closed")


def unescape(string: str) -> str:
    return string.replace("\\n", "\n").replace('\\"', '"').replace("\\\\", "\\")


def read_tables(texts: dict[Path, str]) -> dict[tuple[Path | None, str], list[Option]]:
    """By name, and by file and name, as static tables of several files may share one."""
    tables: dict[tuple[Path | None, str], list[Option]] = {}
    for path, text in texts.items():
        for match in TABLE.finditer(text):
            rows = [(row + 4 * [None])[:4] for row in parse(text, match.end()) if row[0] is not None]
            tables[path, match.group(1)] = tables[None, match.group(1)] = [Option(*row) for row in rows]
    return tables


def read_verbs(texts: dict[Path, str], tables: dict[tuple[Path | None, str], list[Option]]) -> list[Verb]:
    verbs = []
    for path, text in texts.items():
        for match in VERB.finditer(text):
            fields = parse(text, match.end())
            names = [table[1:] for table in next(field for field in fields if isinstance(field, list))]
            options = [option for table in names for option in tables.get((path, table)) or tables[None, table]]
            verbs.append(Verb(fields[0], (*options, *tables.get((None, TABLE_OF_ALL_VERBS), ()))))
    return verbs


# ---- what the program prints ----


def wrong_help(weft: str, verb: Verb) -> Iterator[str]:
    printed = subprocess.run([weft, verb.name, "-help"], capture_output=True, text=True, check=False)
    lines = {" ".join(line.split()) for line in printed.stdout.splitlines()}
    if printed.returncode:
        yield f"weft {verb.name} -help: status {printed.returncode}"
    for option in verb.options:
        if not option.help:
            yield f"weft {verb.name} {option.name}: no help"
        elif " ".join(option.line().split()) not in lines:
            yield f"weft {verb.name} -help does not print: {option.line()}"


# ---- what the texts say ----


def wrong_rows(known: dict[str, Option]) -> Iterator[str]:
    documents = [path for path in (ROOT / "README.md", ROOT / "inputs/README.md") if path.is_file()]
    rows = [(path, *match.groups()) for path in documents for match in ROW.finditer(path.read_text(encoding="utf-8"))]
    for path, option, default in rows:
        if option not in known:
            yield f"{name(path)}: its table has {option}, which does not exist"
        elif default.strip("`") != (known[option].default or "none"):
            yield f"{name(path)}: {option}: default {default}, in the source {known[option].default or 'none'}"
    for option in sorted(known):
        if option.startswith("-weft_") and option not in {row[1] for row in rows}:
            yield f"README.md, inputs/README.md: no row for {option}"


def code(text: str) -> Iterator[str]:
    """The lines of the code blocks of a Markdown text, and its code spans."""
    yield from (line for line in text.split("\n") if line.startswith("    "))
    for block in re.findall(r"^```[^\n]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield from block.split("\n")
    yield from re.findall(r"(?<!`)`([^`\n]+)`", text)


def wrong_commands(path: Path, verbs: list[Verb]) -> Iterator[str]:
    names = {verb.name: {option.name for option in verb.options} | EVERYWHERE for verb in verbs}
    for line in code(path.read_text(encoding="utf-8")):
        called = re.search(r"(?:^|[\s/])weft\s+(-{0,2}\w+)([^#;|&]*)", line.split(" #")[0])
        if not called:
            continue
        word, rest = called.groups()
        if word.startswith("-"):
            word, rest = "VERB", " " + word
        if word != "VERB" and word not in names:
            yield f"{name(path)}: `{line.strip()}`: there is no verb {word}"
            continue
        allowed = names.get(word, EVERYWHERE) | (FORMS_OF_HELP if "-help" in rest else set())
        for option in re.findall(r"(?<=[\s\[])-?(-[A-Za-z][\w-]*)", rest):
            if re.sub(r"^-layer\d+_", "-", option) not in allowed:
                yield f"{name(path)}: `{line.strip()}`: weft {word} has no option {option}"


def wrong_names(path: Path, known: dict[str, Option]) -> Iterator[str]:
    for option in sorted(set(re.findall(r"(?<![\w-])-(?:layer\d+_)?(weft_\w+)", path.read_text(encoding="utf-8")))):
        if f"-{option}" not in known:
            yield f"{name(path)}: -{option} does not exist"


def wrong_yaml(path: Path, verb: str, text: str, known: dict[str, Option]) -> Iterator[str]:
    for key, value in re.findall(r"^(?:layer\d+_)?([A-Za-z]\w*):\s*([^#\n]*?)\s*(?:#.*)?$", text, re.MULTILINE):
        if f"-{key}" not in known:
            yield f"{name(path)}: {key}: no option of weft {verb}"
        elif EVERY_VALUE_IS_THE_DEFAULT in text and value != known[f"-{key}"].default:
            yield f"{name(path)}: {key}: {value}, but the default is {known[f'-{key}'].default}"


def sections(path: Path) -> Iterator[tuple[str, str]]:
    """Verbs and their options: a sweep's grid has a section for each verb, another file says by its name whose it has."""
    text = path.read_text(encoding="utf-8")
    if path.parent.name != "sweeps":
        yield "train" if path.name.startswith("train") else "learn", text
    for section, body in SECTION.findall(text) if path.parent.name == "sweeps" else ():
        yield section, textwrap.dedent(body)


def main() -> None:
    texts = {path: without_comments(path.read_text(encoding="utf-8")) for path in files("src/**/*.c")}
    tables = read_tables(texts)
    verbs = read_verbs(texts, tables)
    used = {option for verb in verbs for option in verb.options}
    known = {option.name: option for verb in verbs for option in verb.options if option.name.startswith("-weft_")}
    by_verb = {verb.name: {option.name: option for option in verb.options} for verb in verbs}
    findings = [
        f"{name(path)}: {option.name} of {table} is an option of no verb"
        for (path, table), options in tables.items()
        for option in options
        if path and option not in used
    ]
    for verb in verbs:
        findings += wrong_help(os.environ["WEFT"], verb)
    findings += wrong_rows(known)
    for path in files("*.md", "*/*.md"):
        findings += [*wrong_commands(path, verbs), *wrong_names(path, known)]
    for path in files("inputs/*.yaml", "inputs/*/*.yaml"):
        for verb, text in sections(path):
            findings += wrong_yaml(path, verb, text, by_verb.get(verb, {}))
        findings += wrong_names(path, known)
    finish(findings, len(used), "options")


if __name__ == "__main__":
    main()
