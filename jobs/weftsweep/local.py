"""Without Slurm: the same points through xargs, so many at a time."""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from . import status
from .errors import SweepError, command
from .files import now, write_json
from .manifest import Point
from .progress import Progress

POLL = 0.5
STOPPED = 75
FAILED = 1
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS")


@dataclass
class Local:
    sweep: Path
    points: Sequence[Point]  # those to run
    parallel: int
    ranks: int = 1
    signals: list[int] = field(default_factory=list)
    group: int | None = None
    before: dict[str, int] = field(default_factory=dict)  # attempts of earlier turns
    ended: dict[str, str] = field(default_factory=dict)  # done or failed in this turn

    def run(self, held: IO[bytes]) -> int:
        """0: all done; 1: some failed; 75: interrupted. `held`: the lock, which runners keep."""
        before = {number: signal.signal(number, self._stop) for number in stop_signals()}
        self.before = {point.name: self._attempts(point) for point in self.points}
        try:
            self._wait(held)
            self._mend()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        return self._verdict()

    def _wait(self, held: IO[bytes]) -> None:
        """Until xargs and all runners are gone: a pipe that each holds closes with the last."""
        reading, writing = os.pipe()
        with (self.sweep / "log.txt").open("ab") as log, tempfile.TemporaryFile() as indices:
            indices.write(b"".join(f"{point.index}\0".encode() for point in self.points))
            indices.seek(0)
            process = subprocess.Popen(
                self._command(),
                stdin=indices,
                stdout=log,
                stderr=log,
                env=environment(self.ranks),
                pass_fds=(writing, held.fileno()),
                start_new_session=True,
            )
        os.close(writing)
        self.group = process.pid
        if self.signals:  # it came before there was a group
            self._stop(self.signals[0])
        progress = Progress("sweep:", len(self.points))
        poll = POLL * (1 + len(self.points) // 100)
        while not select.select([reading], [], [], poll)[0]:
            self._show(progress)
        os.close(reading)
        process.wait()
        self.group = None
        self._show(progress, last=True)
        progress.end()

    def _stop(self, number: int, *_: object) -> None:
        """xargs ends and starts no more; runners stop their points, and leave a checkpoint."""
        if not self.signals:
            words = "stopping, each running point writes a checkpoint"
            print(f"\nsweep: {words}", file=sys.stderr, flush=True)
        self.signals.append(number)
        if self.group is not None:
            try:
                os.killpg(self.group, signal.SIGTERM)
            except ProcessLookupError:
                pass

    def _command(self) -> list[str]:
        xargs = ["xargs", "-0", "-n", "1", "-P", str(self.parallel)]
        return [*xargs, sys.executable, "-m", "weftsweep.point", str(self.sweep)]

    def _attempts(self, point: Point) -> int:
        return int(status.record(self.sweep, point).get("attempt") or 0)

    def _show(self, progress: Progress, last: bool = False) -> None:
        running = 0
        for point in self.points:
            if point.name in self.ended or self._attempts(point) == self.before[point.name]:
                continue
            state = status.state(self.sweep, point)
            running += state == "running"
            if state in ("done", "failed"):
                self.ended[point.name] = state
        failed = list(self.ended.values()).count("failed")
        left = len(self.points) - len(self.ended)
        words = f" over: {failed} failed, {running} running, {left} left"
        progress.show(len(self.ended), words, last)

    def _mend(self) -> None:
        """A point that still says running has lost its runner."""
        for point in self.points:
            if status.state(self.sweep, point) == "running":
                found = status.record(self.sweep, point)
                lost = {"state": "failed", "reason": "its runner was killed", "ended": now()}
                write_json(self.sweep / point.directory / status.NAME, {**found, **lost})

    def _verdict(self) -> int:
        states = [status.state(self.sweep, point) for point in self.points]
        if self.signals or "stopped" in states:
            return STOPPED
        return 0 if states.count("done") == len(states) else FAILED


def stop_signals() -> list[int]:
    """A terminal that is gone is one, but not under nohup."""
    stops: list[int] = [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1]
    gone = signal.SIGHUP
    return stops if signal.getsignal(gone) == signal.SIG_IGN else [*stops, gone]


def launcher(ranks: int) -> list[str]:
    """The words before the program."""
    return ["mpiexec", "-n", str(ranks)] if ranks > 1 else []


def environment(ranks: int) -> dict[str, str]:
    """Points side by side have one thread each, unless the user says otherwise."""
    words = {"WEFT_LAUNCHER_WORDS": json.dumps(launcher(ranks))}
    return {**dict.fromkeys(THREADS, "1"), **os.environ, **words}


def lock(sweep: Path) -> IO[bytes]:
    """Held by this process and all runners it starts here, as long as one lives: runners go by the
    numbers of the manifest, which nobody may write anew meanwhile."""
    file = (sweep / "sweep.lock").open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        words = f"another {command()} runs these points; wait for it, or stop it"
        raise SweepError(f"{sweep}: {words}") from None
    except OSError:
        pass  # a file system without locks
    return file
