"""The frame of a report: head, landmarks, contents, sections. It asks no network for anything."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .markup import Html, join, tag

HERE = Path(__file__).parent
FOOT = "Made by weftpost from the file alone. The page holds all it shows: it needs no network."


@dataclass(frozen=True)
class Section:
    """Ids are made of a section's place, so that no name of a file takes part in them."""

    title: str
    body: Html
    parts: tuple[Section, ...] = ()
    wide: bool = False  # printed across


@dataclass(frozen=True)
class Page:
    title: str  # of the window
    heading: str
    kind: str  # what it is, above the heading
    lead: Html
    sections: tuple[Section, ...]


def render(page: Page) -> str:
    style, script = (_asset(name) for name in ("page.css", "page.js"))
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        _policy(style, script),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("link", rel="icon", href="data:,"),
        tag("title", page.title),
        tag("style", Html(style)),
    )
    body = tag(
        "body",
        tag("a", "Skip to the content", class_="skip", href="#main"),
        tag("header", tag("p", page.kind, class_="kind"), tag("h1", page.heading)),
        _contents(page.sections),
        tag("main", page.lead, *_sections(page.sections), id="main", tabindex=-1),
        tag("footer", tag("p", FOOT)),
        tag("script", Html(script)),
    )
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"


def _asset(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> Html:
    """Nothing from anywhere but what is in the page: its own style, script and pictures."""
    rules = (
        "default-src 'none'; img-src data:; "
        f"style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return tag("meta", http_equiv="Content-Security-Policy", content=rules)


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _contents(sections: tuple[Section, ...]) -> Html:
    links = (
        tag("li", tag("a", section.title, href=f"#{_id(number)}"))
        for number, section in enumerate(sections, 1)
    )
    return tag("nav", tag("ul", *links), aria_label="Contents")


def _sections(sections: tuple[Section, ...]) -> Iterator[Html]:
    for number, section in enumerate(sections, 1):
        yield _section(section, 2, _id(number))


def _section(section: Section, level: int, name: str) -> Html:
    parts = (
        _section(part, level + 1, f"{name}-{number}")
        for number, part in enumerate(section.parts, 1)
    )
    title = tag(f"h{level}", section.title, id=f"{name}-title")
    style = "wide" if section.wide else None
    labelled = f"{name}-title"
    attributes = {"id": name, "class_": style, "aria_labelledby": labelled}
    return tag("section", title, section.body, *parts, **attributes)


def _id(number: int) -> str:
    return f"section-{number}"


def paragraphs(*texts: str, class_: str | None = None) -> Html:
    return join(tag("p", text, class_=class_) for text in texts if text)


def details(summary: str, body: Html) -> Html:
    return tag("details", tag("summary", summary), body)
