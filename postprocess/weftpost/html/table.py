"""Tables: with a caption and scopes, in a region that scrolls by itself, some of them sortable."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from .markup import Html, join, tag

ASCENDING, DESCENDING = "ascending", "descending"


@dataclass(frozen=True)
class Column:
    title: str
    numeric: bool = True
    first: str = DESCENDING  # the order that a sort begins with


@dataclass(frozen=True)
class Cell:
    """What is shown, and what it is sorted by; NaN sorts last."""

    text: str
    key: float | str = math.nan


@dataclass(frozen=True)
class Sorting:
    column: int  # that the rows come sorted by
    order: str


def table(
    caption: str,
    columns: Sequence[Column],
    rows: Sequence[Sequence[str | Cell]],
    sortable: bool = False,
    sorted_by: Sorting | None = None,
    class_: str | None = None,
) -> Html:
    """The first cell of a row heads it."""
    heads = [
        _head(column, sortable, sorted_by if sorted_by and sorted_by.column == place else None)
        for place, column in enumerate(columns)
    ]
    body = [tag("tr", *_cells(columns, row)) for row in rows]
    whole = tag(
        "table",
        tag("caption", tag("span", caption)),
        tag("thead", tag("tr", *heads)),
        tag("tbody", *body),
        data_sortable=sortable,
    )
    classes = "scroll" + (f" {class_}" if class_ else "")
    return tag("div", whole, class_=classes, role="region", aria_label=caption, tabindex=0)


def pairs(caption: str, titles: tuple[str, str], rows: Iterable[tuple[str, str]]) -> Html:
    """Two columns of text: a name and its value."""
    columns = [Column(title, numeric=False) for title in titles]
    body = [(breakable(name), breakable(value)) for name, value in rows]
    return table(caption, columns, body, class_="pairs")


def _head(column: Column, sortable: bool, sorted_by: Sorting | None) -> Html:
    return tag(
        "th",
        column.title,
        scope="col",
        class_="number" if column.numeric else None,
        data_first=column.first if sortable else None,
        data_kind=("number" if column.numeric else "text") if sortable else None,
        aria_sort=sorted_by.order if sorted_by else None,
    )


def _cells(columns: Sequence[Column], row: Sequence[str | Cell]) -> Iterator[Html]:
    for place, (column, value) in enumerate(zip(columns, row)):
        yield _cell(column, value, place == 0)


def _cell(column: Column, value: str | Cell, heads_row: bool) -> Html:
    text, key = (value.text, value.key) if isinstance(value, Cell) else (value, math.nan)
    known = not (isinstance(key, float) and math.isnan(key))
    style = "number" if column.numeric else None
    data = (repr(key) if isinstance(key, float) else key) if known else None
    if heads_row:
        return tag("th", text, scope="row", class_=style, data_key=data)
    return tag("td", text, class_=style, data_key=data)


def breakable(name: str, behind: str = ",_/") -> Html:
    """A long name or path may wrap behind what parts its words."""
    return join(re.split(f"(?<=[{behind}])", name), tag("wbr"))
