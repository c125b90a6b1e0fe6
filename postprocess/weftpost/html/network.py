"""The page of a network file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..metrics import NETWORK_METRICS, Measured, read_network_metrics
from . import history, numbers, options, training
from .facts import Attributes, Facts, read_facts
from .figure import boxes, figure
from .markup import Html, join, tag
from .page import Page, Section
from .provenance import cautions
from .provenance import section as provenance
from .table import Column, table


def page(path: Path, defaults: options.Defaults) -> Page:
    measured, facts = read_network_metrics(path), read_facts(path)
    sections = [_summary(measured)]
    if facts.network:
        sections.append(_structure(facts))
    columns = facts.histories.get("", {})
    if len(columns.get("epoch", ())):
        sections.append(_training(path, columns))
    sections += [options.section(measured.options, defaults), provenance(path, facts)]
    return Page(
        title=f"{path.name}: Weft network",
        heading=path.name,
        kind="Weft network: a structure, trained with labels",
        lead=_lead(measured, facts),
        sections=tuple(sections),
    )


def _lead(measured: Measured, facts: Facts) -> Html:
    epochs = numbers.several(int(measured.values["epochs"]), "epoch")
    kind = measured.options.get("structure_kind", "learned")
    weights = numbers.said("weights", measured.values["weights"])
    rule = facts.text("rule") or measured.options.get("weft_train_rule", "")
    words = f"A network of structure “{kind}” with {weights} weights, trained"
    words += f" by {rule}" if rule else ""
    words += f" for {epochs}." if measured.values["epochs"] else "."
    structure = measured.options.get("structure")
    words += f" Its structure is that of {structure}." if structure else ""
    accuracy = measured.values["test_accuracy"]
    if np.isfinite(accuracy):
        words += f" It gets {numbers.percent(accuracy)} of the test samples right."
    return join((tag("p", words), cautions(measured.complete, epochs)))


# Name in NETWORK_METRICS, title, a word on it.
SUMMARY = (
    ("test_accuracy", "test accuracy", "after the last epoch"),
    ("train_accuracy", "training accuracy", "of the last epoch, as trained"),
    ("test_loss", "test loss", "mean of a sample"),
    ("train_loss", "training loss", "mean of the last epoch, as trained"),
    ("weights", "weights", "numbers that training found"),
    ("epochs", "epochs", ""),
    ("train_seconds", "training", "wall time"),
    ("peak_bytes", "memory per rank", "at most"),
)


def _summary(measured: Measured) -> Section:
    return Section("Summary", boxes([
        (title, numbers.said(name, measured.values[name]), note)
        for name, title, note in SUMMARY
        if name in NETWORK_METRICS
    ]))


def _structure(facts: Facts) -> Section:
    titles = ("inputs", "units or groups", "atoms a group", "pools", "connections")
    heads = [Column("layer", False), *(Column(title) for title in titles)]
    heads.append(Column("of it the dense layers read", False))
    rows = [_masked(number, layer) for number, layer in enumerate(facts.layers)]
    rows += [_dense(f"hidden {number}", units) for number, units in enumerate(facts.hidden)]
    rows.append(_dense("output", facts.network.get("classes")))
    whole = table("Layers of the network, from the samples on", heads, rows)
    return Section("Structure", whole)


def _masked(number: int, layer: Attributes) -> list[str]:
    names = ("inputs", "groups", "group_size", "pools", "connections")
    counts = (numbers.known(layer.get(name), numbers.count) for name in names)
    read = [f"{word} units" for word in ("pooled", "single") if layer.get(f"read_{word}")]
    return [f"masked {number}", *counts, " and ".join(read) or "nothing"]


def _dense(name: str, units: float | None) -> list[str]:
    return [name, "", numbers.known(units, numbers.count), "", "", "dense", ""]


def _training(path: Path, columns: training.Columns) -> Section:
    told = (
        f"{title} from {numbers.said(name, float(columns[name][0]))} after the first epoch "
        f"to {numbers.said(name, float(columns[name][-1]))} after the last"
        for name, title, _ in SUMMARY[:4]
        if name in columns and np.isfinite(columns[name]).any()
    )
    words = f"Over {numbers.several(len(columns['epoch']), 'epoch')}: {'; '.join(told)}."
    caption = (
        "Accuracy and loss by epoch. Those of training are as trained, "
        "with smoothed labels and units dropped; those of the test split are not."
    )
    data = history.data(columns, "History of training", "/history")
    return Section("Training", figure(training.draw(path.name, columns), words, caption, data))
