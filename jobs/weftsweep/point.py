"""Runs points of a sweep side by side. Standard library alone: it runs on compute nodes.

    python3 -m weftsweep.point DIR INDEX...          points of DIR/sweep.json
    python3 -m weftsweep.point DIR --tasks FILE      those that FILE gives to this array task

WEFT is the program; WEFT_LAUNCHER_WORDS a JSON list of the words before it (srun and its options;
none: one rank). On USR1 or TERM each point writes a checkpoint and stops. Status: 75 if one
stopped, that of a step that failed, or 0.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from . import status
from .errors import SweepError
from .files import Json, now, read_json, write_json
from .manifest import Point, read_points
from .numerals import count

USER_MISTAKE = 2
STOPPED = 75
FAULT = 1
# Ended by one of these, as by scancel, before weft listened: what it had written is the checkpoint.
ENDED = {128 + number for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)}
ERROR_MARKS = ("weft: error: ", "error: ")  # weft's own words rather than the launcher's
TAIL = 65536  # bytes of the log in which the reason is looked for


@dataclass
class Run:
    """One point: its steps, one after another."""

    sweep: Path
    point: Point
    words: list[str]  # before the verb: launcher and program
    exit: int = 0
    stopping: bool = False
    process: subprocess.Popen[bytes] | None = None
    about: Json = field(default_factory=dict)

    @property
    def directory(self) -> Path:
        return self.sweep / self.point.directory

    def run(self) -> None:
        try:
            self._run()
        except OSError as error:  # a full disk, a folder that cannot be written
            self.exit = FAULT
            print(f"{self.point.name}: {error}", file=sys.stderr, flush=True)
            self._end("failed", str(error))

    def stop(self) -> None:
        """Lets weft write a checkpoint: on USR1, which mpiexec and srun pass on as it is."""
        self.stopping = True
        process = self.process
        if process and process.poll() is None:
            process.send_signal(signal.SIGUSR1)

    def _run(self) -> None:
        if status.state(self.sweep, self.point) == "done":
            return
        self.directory.mkdir(parents=True, exist_ok=True)
        self._begin()
        for step in self.point.steps:
            if self.stopping:
                self.exit = STOPPED
                self._end("stopped", "")
                return
            self._tell(step=step["verb"], exit=None)
            self.exit, said = self._step(step)
            if self.exit:
                self._end("stopped" if self.exit == STOPPED else "failed", said)
                return
        self._end("done", "")

    def _begin(self) -> None:
        before = status.record(self.sweep, self.point)
        job = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
        self.about = {
            "state": "running",
            "step": None,
            "exit": None,
            "reason": "",
            "job": "_".join(filter(None, job)) or os.environ.get("SLURM_JOB_ID"),
            "host": socket.gethostname(),
            "attempt": int(before.get("attempt") or 0) + 1,
            "started": now(),
            "ended": None,
            "steps": list(self.point.steps),
        }

    def _tell(self, **changes: object) -> None:
        self.about.update(changes)
        write_json(self.directory / status.NAME, self.about)

    def _end(self, state: str, reason: str) -> None:
        words = f": {reason}" if reason else ""
        print(f"{self.point.name}: {state}{words}", flush=True)
        try:
            self._tell(state=state, exit=self.exit, reason=reason, ended=now())
        except OSError as error:
            self.exit = self.exit or FAULT
            print(f"{self.point.name}: {error}", file=sys.stderr, flush=True)

    def _step(self, step: Json) -> tuple[int, str]:
        """Its exit status, and the reason where that is not 0."""
        command = [*self.words, step["verb"], *step["arguments"], "-o", step["output"], "-resume"]
        with (self.directory / "log.txt").open("a+b") as log:
            head = f"== {now()} attempt {self.about['attempt']}: {shlex.join(command)}\n"
            log.write(head.encode())
            log.flush()
            begin = log.tell()
            code = self._wait(command, log)
            stopped = code == STOPPED or code in ENDED
            if stopped or (self.stopping and code not in (0, USER_MISTAKE)):
                return STOPPED, ""
            if code == 0:
                there = (self.directory / step["output"]).is_file()
                return (0, "") if there else (FAULT, f"status 0, but no file {step['output']}")
            return code, reason(step["verb"], code, last_words(log, begin))

    def _wait(self, command: list[str], log: IO[bytes]) -> int:
        """In a session of its own: a signal to our group is for us, who know what to pass on."""
        try:
            self.process = subprocess.Popen(
                command,
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            log.write(f"error: {command[0]}: cannot be started ({error})\n".encode())
            log.flush()
            return 127
        if self.stopping:  # the signal came before there was a process
            self.stop()
        code = self.process.wait()
        return 128 - code if code < 0 else code


def reason(verb: str, code: int, said: str) -> str:
    """What is killed says nothing: its last line is none of the reason."""
    if code == 128 + signal.SIGKILL and not any(mark in said for mark in ERROR_MARKS):
        return f"weft {verb}: killed, as where memory is out"
    return said or f"weft {verb}: status {code}"


def last_words(log: IO[bytes], begin: int) -> str:
    """The line that names the mistake, or else the last line."""
    end = log.seek(0, os.SEEK_END)
    log.seek(max(begin, end - TAIL))
    lines = [line.strip() for line in log.read().decode(errors="replace").splitlines()]
    for mark in ERROR_MARKS:
        if found := [line for line in lines if mark in line]:
            return found[-1][:500]
    return next((line for line in reversed(lines) if line), "")[:500]


def run_points(sweep: Path, points: list[Point], words: list[str]) -> int:
    runs = [Run(sweep, point, words) for point in points]

    def stop(*_: object) -> None:
        for run in runs:
            run.stop()

    for number in (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    threads = [threading.Thread(target=run.run) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return overall([run.exit for run in runs])


def overall(codes: list[int]) -> int:
    """75 asks for another turn, and goes first; after 255 xargs would leave the other points."""
    if STOPPED in codes:
        return STOPPED
    code = next((code for code in codes if code), 0)
    return code if code < 255 else FAULT


def launcher_words() -> list[str]:
    text = os.environ.get("WEFT_LAUNCHER_WORDS", "[]")
    try:
        words = json.loads(text)
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise ValueError
    except ValueError:
        wanted = "a JSON list of words is wanted"
        raise SweepError(f"WEFT_LAUNCHER_WORDS: {wanted}, not {text}") from None
    return words


def task_points(path: Path) -> list[int]:
    """The points of this array task."""
    task = os.environ.get("SLURM_ARRAY_TASK_ID", "")
    found = (read_json(path) or {}).get("tasks", {}).get(task)
    if not found:
        raise SweepError(f"{path}: has no task '{task}' (SLURM_ARRAY_TASK_ID)")
    return [int(index) for index in found]


def chosen(sweep: Path, arguments: list[str]) -> list[Point]:
    if arguments[:1] == ["--tasks"] and len(arguments) == 2:
        wanted = task_points(Path(arguments[1]))
    elif arguments and all(count(word) is not None for word in arguments):
        wanted = [int(word) for word in arguments]
    else:
        raise SweepError("python3 -m weftsweep.point DIR INDEX... | DIR --tasks FILE is wanted")
    points = read_points(sweep)
    if not all(0 <= index < len(points) for index in wanted):
        raise SweepError(f"{sweep}: points {wanted} are wanted; there are 0 to {len(points) - 1}")
    return [points[index] for index in wanted]


def main(arguments: list[str]) -> int:
    try:
        sweep = Path(arguments[0] if arguments else ".").resolve()
        points = chosen(sweep, arguments[1:])
        words = [*launcher_words(), os.environ.get("WEFT", "weft")]
    except SweepError as error:
        print(f"sweep: error: {error}", file=sys.stderr)
        return USER_MISTAKE
    return run_points(sweep, points, words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
