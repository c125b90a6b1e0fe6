"""One line on stderr that tells how far things are; in a log, one now and then."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field

LOG_SECONDS = 10.0


@dataclass
class Progress:
    name: str
    total: int
    quiet_seconds: float = 0.0  # what is over by then is not worth a line
    begun: float = field(default_factory=time.monotonic)
    said: float = 0.0
    line: str = ""

    def show(self, done: int, words: str = "", last: bool = False) -> None:
        """`done` of this turn tells the time that is left. The last line is always said."""
        now = time.monotonic()
        if now - self.begun < self.quiet_seconds:
            return
        line = f"{self.name} {done} of {self.total}{words}{self._left(done, now)}"
        terminal = sys.stderr.isatty()
        soon = not terminal and not last and self.said and now - self.said < LOG_SECONDS
        if line == self.line or soon:
            return
        start, end = ("\r\x1b[K", "") if terminal else ("", "\n")
        print(f"{start}{line}", end=end, file=sys.stderr, flush=True)
        self.said, self.line = now, line

    def _left(self, done: int, now: float) -> str:
        if not done or done >= self.total:
            return ""
        return f", about {duration((now - self.begun) * (self.total - done) / done)} left"

    def end(self) -> None:
        if self.line and sys.stderr.isatty():
            print(file=sys.stderr, flush=True)


def duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
