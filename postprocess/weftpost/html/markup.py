"""HTML by elements: text is escaped unless it is markup already, so no value becomes a tag."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

VOID = frozenset({"img", "link", "meta", "br", "wbr"})


class Html(str):
    """Text that is markup already."""


Attribute = str | int | bool | None


def tag(name: str, /, *children: str, **attributes: Attribute) -> Html:
    """An element. class_ and for_ lose their underscore, others turn it into a hyphen.

    True is an attribute without a value; None and False leave it out.
    """
    words = "".join(_attribute(key, value) for key, value in attributes.items())
    opening = f"<{name}{words}>"
    return Html(opening if name in VOID else f"{opening}{join(children)}</{name}>")


def join(children: Iterable[str], between: str = "") -> Html:
    return Html(markup(between).join(markup(child) for child in children))


def markup(child: str) -> Html:
    return child if isinstance(child, Html) else Html(escape(str(child)))


def _attribute(key: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'
