"""A matplotlib figure in the page: a data URI, words for those who do not see it, a caption."""

from __future__ import annotations

import base64
import io

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from ..figures.style import DPI
from .markup import Html, tag

LARGEST_DRAWING = 400_000  # bytes; a drawing of more points than that is smaller as a picture
SHARP = 2  # pixels of such a picture for each of the page


def figure(drawn: Figure, alt: str, caption: str, data: Html = Html()) -> Html:
    """alt says what is to be seen, in numbers; data is the table behind it, if there is one."""
    uri, width, height = embed(drawn)
    image = tag("img", src=uri, alt=alt, width=width, height=height)
    return tag(
        "figure",
        tag("div", image, class_="picture"),
        tag("figcaption", caption),
        data,
    )


def embed(drawn: Figure) -> tuple[str, int, int]:
    """Data URI, and width and height in pixels. Pictures of pixels stay such, lines stay lines."""
    width, height = (round(size) for size in drawn.get_size_inches() * DPI)
    if _has_pixels(drawn):
        return _uri("image/png", _png(drawn, 1)), width, height
    for image in list(drawn.images):  # an empty canvas
        image.remove()
    drawing = _svg(drawn)
    if len(drawing) <= LARGEST_DRAWING:
        return _uri("image/svg+xml", drawing), width, height
    return _uri("image/png", _png(drawn, SHARP)), width, height


def _has_pixels(drawn: Figure) -> bool:
    return any(bool(np.ptp(np.asarray(image.get_array()))) for image in drawn.images)


def _png(drawn: Figure, scale: int) -> bytes:
    """Without loss: on white, and with a palette where few enough colours are in use."""
    raw = io.BytesIO()
    drawn.savefig(raw, format="png", dpi=scale * DPI, facecolor="white")
    picture = Image.open(raw).convert("RGB")
    if picture.getcolors(256):
        picture = picture.convert("P", palette=Image.Palette.ADAPTIVE, colors=256)
    small = io.BytesIO()
    picture.save(small, "PNG", optimize=True)
    return small.getvalue()


def _svg(drawn: Figure) -> bytes:
    """Text as outlines: it looks the same wherever it is opened, whatever fonts there are."""
    out = io.BytesIO()
    with matplotlib.rc_context({"svg.fonttype": "path", "svg.hashsalt": "weft"}):
        drawn.savefig(out, format="svg", facecolor="white", metadata={"Date": None})
    return out.getvalue()


def _uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def boxes(entries: list[tuple[str, str, str]]) -> Html:
    """Headline figures: name, value, and a word on what it is."""
    return tag("dl", *(_box(*entry) for entry in entries), class_="facts")


def _box(name: str, value: str, note: str) -> Html:
    words = tag("dd", note, class_="note") if note else ""
    return tag("div", tag("dt", name), tag("dd", value, class_="value"), words)
