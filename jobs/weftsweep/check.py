"""Asks weft itself, before anything is submitted: `weft VERB ... -check` for every point to run."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from .errors import SweepError
from .manifest import Point
from .options import Verb
from .progress import Progress

USER_MISTAKE = 2
SECONDS = 300
ERROR = "weft: error: "


@dataclass(frozen=True)
class Answer:
    point: Point
    verb: str
    code: int
    said: str


def check_points(weft: str, points: Iterable[Point], verbs: dict[str, Verb], workers: int) -> None:
    """A refusal is an error that names the point. Where -check cannot run, a note says so."""
    lacking = [name for name, verb in verbs.items() if "check" not in verb.options]
    if lacking:
        _note(f"this weft {lacking[0]} has no -check; its options are not checked beforehand")
        return
    asked = list(_distinct(points))
    progress = Progress("sweep: checking", len(asked), quiet_seconds=2.0)
    folders = tempfile.TemporaryDirectory(prefix="weft-check-")
    with folders as folder, ThreadPoolExecutor(workers) as pool:
        pending = [pool.submit(_ask, weft, folder, *question) for question in asked]
        try:
            for done, future in enumerate(pending, 1):
                if not _accepts(future.result()):
                    return
                progress.show(done)
        finally:
            for future in pending:
                future.cancel()
            progress.end()


def _distinct(points: Iterable[Point]) -> Iterator[tuple[Point, str, list[str]]]:
    """Points that differ in training alone learn with the same command."""
    seen = set()
    for point in points:
        for step in point.steps:
            key = (step["verb"], *step["arguments"])
            if key not in seen:
                seen.add(key)
                yield point, step["verb"], step["arguments"]


def _ask(weft: str, folder: str, point: Point, verb: str, arguments: list[str]) -> Answer:
    command = [weft, verb, *arguments, "-o", "new.h5", "-check"]
    try:
        result = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Answer(point, verb, -1, str(error))
    lines = result.stderr.decode(errors="replace").strip().splitlines()
    refusals = [line for line in lines if line.startswith(ERROR)]
    said = (refusals or lines or [""])[-1]
    return Answer(point, verb, result.returncode, said)


def _accepts(answer: Answer) -> bool:
    """False: nothing can be told here, and there is no use in asking on."""
    if answer.code == USER_MISTAKE and answer.said.startswith(ERROR):
        words = answer.said.removeprefix(ERROR)
        raise SweepError(f"{answer.point.name}: weft {answer.verb} refuses: {words}")
    if answer.code != 0:
        why = f"status {answer.code}: {answer.said[:200]}"
        words = f"weft {answer.verb} -check cannot run here ({why})"
        _note(f"{words}; the points are not checked beforehand")
    return answer.code == 0


def _note(words: str) -> None:
    print(f"sweep: note: {words}", file=sys.stderr, flush=True)
