"""The one exception that a user sees."""

from __future__ import annotations

import os


class SweepError(Exception):
    """A mistake the user can mend; its text is the single line that is printed."""


def command() -> str:
    """As the user called it: from the source or installed."""
    return os.environ.get("WEFT_SWEEP", "./jobs/sweep.sh")


def one_line(text: str) -> str:
    """A value as a message may show it: its line ends are seen, not obeyed."""
    return text.replace("\n", "\\n").replace("\r", "\\r")
