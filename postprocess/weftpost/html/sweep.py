"""The page of a sweep directory."""

from __future__ import annotations

import json
from pathlib import Path

from ..errors import UserError
from ..figures import atoms
from ..metrics import METRICS, RUN, read_metrics
from ..runfile import read_run
from ..sweep.best import ACCURACY, BITS, best, best_by_each
from ..sweep.collect import Sweep, read_sweep
from ..sweep.columns import number, option_column, short
from ..sweep.manifest import MANIFEST
from ..sweep.words import counts, sentences, tell
from . import sweep_pictures, sweep_points
from .figure import boxes, figure
from .layer import atoms_words
from .markup import Html, join, tag
from .page import Page, Section, details, paragraphs
from .table import Column, breakable, pairs, table

SHOWN_GROUPS = 32
MOST_VALUES = 12  # of an option that are told one by one


def page(directory: Path) -> Page:
    sweep = read_sweep(directory)
    name = directory.resolve().name
    metrics = [metric for metric in (BITS, ACCURACY) if sweep.known(metric)]
    sections = [_summary(sweep), _swept(sweep)]
    if metrics:
        sections += [_best(sweep), sweep_pictures.section(sweep, metrics)]
    sections.append(sweep_points.section(sweep))
    sections += sweep_points.failed(sweep) + _atoms(sweep)
    return Page(
        title=f"{name}: Weft sweep",
        heading=name,
        kind="Weft sweep: the same data learned with different options",
        lead=_lead(sweep),
        sections=tuple(sections),
    )


def _lead(sweep: Sweep) -> Html:
    varied = ", ".join(short(name) for name in sweep.varied) or "nothing"
    words = breakable(f"{counts(sweep)}. Varied: {varied}. Data: {sweep.data}.")
    unfinished = len(sweep.points) - len(sweep.finished())
    caution = (
        f"{unfinished} of {len(sweep.points)} points are not done; "
        "only those that are done are ranked and drawn."
    )
    return join((tag("p", words), paragraphs(caution if unfinished else "", class_="caution")))


def _summary(sweep: Sweep) -> Section:
    entries = [(state, str(count), "points") for state, count in sweep.counts().items() if count]
    for metric in (BITS, ACCURACY):
        found = best(sweep, metric)
        if found:
            title = f"best {METRICS[metric].label}"
            entries.append((title, tell(metric, found.value), breakable(found.point.name)))
    told = (breakable(f"{text[:1].upper()}{text[1:]}.") for text in sentences(sweep))
    return Section("Summary", join((boxes(entries), paragraphs(*told))))


def _swept(sweep: Sweep) -> Section:
    rows = [(name, _values(sweep, name)) for name in sweep.varied]
    whole = pairs("Options that the sweep varies", ("option", "values"), rows)
    grid = _grid(sweep.directory)
    text = details("The grid as it was given", tag("pre", tag("code", grid)))
    return Section("What was swept", join((whole, text if grid else "")))


def _values(sweep: Sweep, name: str) -> str:
    values = list(dict.fromkeys(text for text in option_column(sweep, name).texts if text))
    if all(number(text) is not None for text in values):
        values.sort(key=float)
    if len(values) <= MOST_VALUES:
        return ", ".join(values)
    return f"{len(values)} from {values[0]} to {values[-1]}"


def _grid(directory: Path) -> str:
    text = json.loads((directory / MANIFEST).read_text(encoding="utf-8")).get("grid")
    return text if isinstance(text, str) else ""


def _best(sweep: Sweep) -> Section:
    titles = ("by", "value", "point", "of points")
    heads = [Column(title, title in ("value", "of points")) for title in titles]
    rows = []
    for found in best_by_each(sweep):
        equals = f" and {found.equals} more as good" if found.equals else ""
        value = tell(found.metric, found.value)
        name = breakable(found.point.name + equals)
        rows.append([METRICS[found.metric].label, value, name, str(found.count)])
    whole = table("The best point by each metric", heads, rows, class_="pairs")
    return Section("Best points", whole)


def _atoms(sweep: Sweep) -> list[Section]:
    found = best(sweep, BITS)
    paths = [path for path in found.point.files if _is_run(path)] if found else []
    if found is None or not paths:
        return []
    run = read_run(paths[0])
    words = f"{atoms_words(run, SHOWN_GROUPS)}, of {found.point.name}."
    told = f"{found.point.name}, {tell(BITS, found.value)} bits: its atoms, group by group."
    drawn = figure(atoms.draw(run, SHOWN_GROUPS), words, breakable(told))
    return [Section("Atoms of the best point by bits", drawn)]


def _is_run(path: Path) -> bool:
    try:
        return read_metrics(path).kind == RUN
    except UserError:
        return False
