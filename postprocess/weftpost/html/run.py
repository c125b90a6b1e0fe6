"""The page of a run file."""

from __future__ import annotations

import math
from pathlib import Path

from ..figures import depth
from ..figures.depth import gains
from ..geometry import describe_inputs
from ..measure import measure
from ..metrics import METRICS, Measured, read_run_metrics
from ..runfile import Information, Run, read_run
from . import layer, numbers, options
from .facts import Facts, read_facts
from .figure import boxes, figure
from .layer import Known
from .markup import Html, join, tag
from .page import Page, Section
from .provenance import cautions
from .provenance import section as provenance
from .table import Column, table


def page(path: Path, defaults: options.Defaults) -> Page:
    measured, facts, first = read_run_metrics(path), read_facts(path), read_run(path)
    runs = [first, *(read_run(path, index) for index in range(1, first.layers))]
    known = [measure(run) for run in runs]
    sections = [_summary(measured, first)]
    if first.information is not None:
        sections.append(_information(first, first.information))
    sections.append(_layers(runs, known, facts))
    sections += [layer.section(run, figures, facts) for run, figures in zip(runs, known)]
    sections += [options.section(measured.options, defaults), provenance(path, facts)]
    return Page(
        title=f"{path.name}: Weft run",
        heading=path.name,
        kind="Weft run: a learned structure",
        lead=_lead(first, facts),
        sections=tuple(sections),
    )


def _lead(run: Run, facts: Facts) -> Html:
    samples, ranks = facts.number("samples"), facts.number("ranks")
    done = sum(len(columns.get("iteration", ())) for columns in facts.histories.values())
    batches = numbers.several(done, "batch", "batches")
    of = f"{numbers.count(samples)} samples of " if samples else ""
    inputs = f"{run.layer.d:,} inputs"
    if run.picture:
        inputs += f" ({describe_inputs(run.picture, run.layer.d)})"
    where = f" on {numbers.several(int(ranks), 'rank')}" if ranks else ""
    words = (
        f"A structure of {numbers.several(run.layers, 'layer')}, learned without labels "
        f"from {of}{inputs} in {batches}{where}."
    )
    return join((tag("p", words), cautions(run.complete, batches, run.notes)))


def _summary(measured: Measured, run: Run) -> Section:
    notes = {
        "bits": "of the input, got back by a linear decoder",
        "layers": "kept",
        "alive_groups": f"of {run.layer.groups}, {run.layer.group_size} atoms each; first layer",
        "density": "of the inputs of a group, first layer",
        "activity": "of the groups are active in a sample, first layer",
        "objective": "mean of the last batches, first layer",
        "max_gap": "relative duality gap of a code, all layers",
        "seconds": "all batches of all layers",
        "peak_bytes": "at most",
    }
    titles = {"density": "connections", "activity": "active groups", "seconds": "learning"}
    titles["peak_bytes"] = "memory per rank"
    return Section("Summary", boxes([
        (titles.get(name, METRICS[name].label), numbers.said(name, measured.values[name]), note)
        for name, note in notes.items()
    ]))


def _information(run: Run, found: Information) -> Section:
    rows = [
        [str(number), numbers.bits(bits), _gain(gain), numbers.bits(entropy), _kept(kept)]
        for number, (bits, gain, entropy, kept) in enumerate(
            zip(found.bits, [math.nan, *gains(found)], found.entropy_bits, found.kept), 1
        )
    ]
    titles = ("layers", "bits", "gain", "entropy, bits", "outcome")
    heads = [Column(title, title not in ("layers", "outcome")) for title in titles]
    told = "; ".join(f"{row[1]} bits with {row[0]}, {row[4]}" for row in rows)
    drawn = figure(
        depth.draw(run),
        f"Information by number of layers: {told}.",
        "Bits that a linear decoder gets back of the input, and noise-floor entropy, of the "
        "outputs of all layers up to each one. A hollow mark is a layer that did not pay.",
    )
    whole = table("Information of the outputs, by number of layers", heads, rows)
    return Section("Information by layer", join((drawn, whole)))


def _gain(value: float) -> str:
    return "" if math.isnan(value) else f"{100 * value:+.1f} %"


def _kept(kept: bool) -> str:
    return "kept" if kept else "dropped"


# Name in what measure.py finds, title, format, what it means.
MEASURES = (
    ("inputs", "inputs", numbers.count, ""),
    ("groups_alive", "alive groups", numbers.count, ""),
    ("atoms_alive", "atoms in use", numbers.count, ""),
    ("connection_density", "connections", numbers.percent, "of the inputs of a group"),
    ("active_fraction", "active groups", numbers.percent, "per sample"),
    ("final_objective", "objective J", numbers.plain, "on the last batch"),
    ("worst_max_gap", "largest gap", numbers.gap, "relative duality gap of a code"),
    ("locality", "locality", numbers.plain, "spread of an atom over that of its shuffled self"),
    ("pooling", "pooling", numbers.plain, "likeness of places within groups over between them"),
    ("copies", "copies", numbers.percent, "of the pairs in a group are one atom twice"),
)
WEIGHTS = (("lambda", "λ"), ("connectivity_penalty", "connectivity penalty"), ("mu", "μ"))


def _layers(runs: list[Run], known: list[Known], facts: Facts) -> Section:
    layers, pairs = [Column(f"layer {run.index}") for run in runs], list(zip(runs, known))
    heads = [Column("figure", False), *layers, Column("what it is", False)]
    rows = [
        [title, *(_measured(run, figures[name], name, form) for run, figures in pairs), words]
        for name, title, form, words in MEASURES
    ]
    for name, title in WEIGHTS:
        values = [facts.layers[run.index].get(name) for run in runs]
        shown = (numbers.known(value, numbers.plain) for value in values)
        rows.append([title, *shown, "weight in J"])
    caption = "Each layer in numbers"
    return Section("Layers in numbers", table(caption, heads, rows, class_="layers"))


def _measured(run: Run, value: float | None, name: str, form: numbers.Format) -> str:
    """The inputs of a further layer are pools, which lie in no order: nothing is local there."""
    return "" if run.index and name == "locality" else numbers.known(value, form)
