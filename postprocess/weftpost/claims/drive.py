"""Runs the steps of a plan, as many at a time as there are cores. What is done is not done again.

A step has one rank and one thread: two at a time leave two cores busier than one after the other on two ranks.

    python3 -m weftpost.claims.drive -o DIR --weft PROGRAM --inputs inputs/claims NAME=data.h5...
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np

from ..peer.launch import environment
from .plan import CNN, PEER, Step, steps_of, write_plan

POLL = 0.2
USER_MISTAKE = 2
INTERRUPTED = 75  # as weft's own: run again


def is_done(path: Path) -> bool:
    """There, and not a checkpoint."""
    if not path.is_file():
        return False
    try:
        with h5py.File(path, "r", locking=False) as file:
            return bool(np.ravel(file.attrs.get("complete", 1))[0])
    except OSError:
        return False


@dataclass
class Drive:
    directory: Path
    steps: list[Step]
    words: dict[str, list[str]]  # what WEFT and PYTHON stand for
    workers: int
    say: Callable[[str], None]
    done: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)
    running: dict[str, tuple[subprocess.Popen[bytes], Step, float]] = field(default_factory=dict)
    spent: float = 0.0  # seconds of finished steps, beside `expected` of the same
    expected: float = 0.0

    def run(self) -> bool:
        """True if every step is done in the end."""
        self.done = {s.output for s in self.steps if is_done(self.directory / s.output)}
        if self.done:
            self.say(f"{len(self.done)} of {len(self.steps)} steps are done already")
        try:
            while self._start() or self.running:
                time.sleep(POLL)
                self._reap()
        except KeyboardInterrupt:
            self._stop()
            raise
        return not self.failed and len(self.done) == len(self.steps)

    def _start(self) -> bool:
        """Starts what has its files and a core; is there anything that still could be started?"""
        waiting = [s for s in self.steps if self._state(s) == "ready"]
        for step in waiting[: self.workers - len(self.running)]:
            self.running[step.output] = self._launch(step), step, time.monotonic()
        return bool(waiting)

    def _state(self, step: Step) -> str:
        if step.output in self.done or step.output in self.failed or step.output in self.running:
            return "over"
        made = {s.output for s in self.steps}
        return "ready" if all(n in self.done or n not in made for n in step.needs) else "waits"

    def _launch(self, step: Step) -> subprocess.Popen[bytes]:
        log = self.log(step)
        (self.directory / step.output).parent.mkdir(parents=True, exist_ok=True)
        log.parent.mkdir(parents=True, exist_ok=True)
        command = [w for word in step.command for w in self.words.get(word, [word])]
        with log.open("wb") as out:
            out.write((" ".join(command) + "\n").encode())
            out.flush()
            return subprocess.Popen(
                command,
                cwd=self.directory,
                env=environment(1),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def log(self, step: Step) -> Path:
        return self.directory / "log" / (step.name.replace("/", "-") + ".log")

    def _reap(self) -> None:
        for output, (process, step, started) in list(self.running.items()):
            status = process.poll()
            if status is None:
                continue
            del self.running[output]
            seconds = time.monotonic() - started
            if status == 0 and is_done(self.directory / output):
                self.done.add(output)
                self.spent += seconds
                self.expected += step.seconds
                with (self.directory / "times.tsv").open("a", encoding="utf-8") as times:
                    times.write(f"{step.output}\t{seconds:.1f}\n")
                self._progress(step, seconds)
            else:
                self.failed[output] = self._last_words(step)
                self.say(f"{step.name}: status {status}: {self.failed[output]}")

    def _last_words(self, step: Step) -> str:
        lines = self.log(step).read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return f"{lines[-1]} ({self.log(step)})"

    def _progress(self, step: Step, seconds: float) -> None:
        left = self.seconds_left()
        self.say(
            f"[{len(self.done)}/{len(self.steps)}] {step.name}: {seconds:.0f} s;"
            f" about {left / 60:.0f} min left"
        )

    def seconds_left(self) -> float:
        """What was expected of the rest, by what the finished took of what was expected of them."""
        over = self.done | set(self.failed)
        rest = sum(s.seconds for s in self.steps if s.output not in over)
        return rest * (self.spent / self.expected if self.expected else 1.0) / self.workers

    def _stop(self) -> None:
        """SIGUSR1 lets weft write a checkpoint; others end."""
        for process, step, _ in self.running.values():
            process.send_signal(signal.SIGUSR1 if step.command[0] == "WEFT" else signal.SIGTERM)
        for process, _, _ in self.running.values():
            process.wait()


def main() -> int:
    parser = argparse.ArgumentParser(prog="claims")
    parser.add_argument("-o", dest="directory", type=Path, required=True)
    parser.add_argument("--weft", type=Path, required=True)
    parser.add_argument("--inputs", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("data", nargs="+", help="NAME=data.h5")
    options = parser.parse_args()
    inputs, pairs = options.inputs.resolve(), [word.partition("=") for word in options.data]
    steps: list[Step] = []
    for name, _, path in pairs:
        steps += steps_of(name, str(Path(path).resolve()), inputs, options.seeds)
    if not importlib.util.find_spec("torch"):
        _say("this Python has no PyTorch (Debian: python3-torch): the CNN and the peer are left out")
        steps = [step for step in steps if step.about.get("kind") not in (CNN, PEER)]
    options.directory.mkdir(parents=True, exist_ok=True)
    write_plan(options.directory, steps)
    words = {"WEFT": [str(options.weft.resolve())], "PYTHON": [sys.executable]}
    drive = Drive(options.directory.resolve(), steps, words, options.workers, _say)
    try:
        return 0 if drive.run() else 1
    except KeyboardInterrupt:
        _say("stopped; run again, and it goes on from here")
        return INTERRUPTED


def _say(words: str) -> None:
    print(f"claims: {words}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
