"""Files that commands write: folders are made, and what cannot be written is told in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from matplotlib.figure import Figure

from .errors import UserError
from .figures import style


def write_text(text: str, path: Path) -> Path:
    """In UTF-8; what has no place in it, as in a path of another encoding, becomes a ?."""
    return put(path, lambda place: place.write_text(text, encoding="utf-8", errors="replace"))


def save_figure(figure: Figure, path: Path) -> Path:
    return put(path, lambda place: figure.savefig(place, dpi=style.DPI))


def put(path: Path, write: Callable[[Path], object]) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror or error})") from error
    return path
