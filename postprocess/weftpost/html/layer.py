"""The pictures of one layer, with what they show in words and figures."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..figures import atoms, fields, pools, pools_deep
from ..figures import history as curves
from ..runfile import History, Run
from . import history, numbers
from .facts import Facts
from .figure import figure
from .markup import Html
from .page import Section, paragraphs

SHOWN_GROUPS = 64
SHOWN_POOLS = 24  # with their atoms or what feeds them

Known = dict[str, Any]  # what measure.py finds


def section(run: Run, known: Known, facts: Facts) -> Section:
    title = "The layer" if run.layers == 1 else f"Layer {run.index}"
    words = paragraphs(_below(run, facts), _shared(facts.layers[run.index].get("shared")))
    return Section(title, words, tuple(_parts(run, known, facts)))


def _below(run: Run, facts: Facts) -> str:
    if not run.index:
        return ""
    shared = "shared" in facts.layers[run.index - 1]
    kind = "pools at the places" if shared else "groups"
    return f"Its inputs are the {run.layer.d} {kind} of layer {run.index - 1}, not the samples."


def _shared(found: dict[str, Any] | None) -> str:
    if not found:
        return ""
    side = numbers.known(found.get("window"), numbers.count)
    return (
        "Its weights are shared between places: "
        f"each unit sees a window of {side} x {side} sites of the lattice."
    )


def _parts(run: Run, known: Known, facts: Facts) -> Iterator[Section]:
    if not run.index:
        yield Section("Atoms", _atoms(run, known))
        yield Section("Receptive fields", _fields(run))
        if run.layer.group_size > 1 and known["groups_alive"]:
            yield Section("Pools", _pools(run, known))
    elif known["groups_alive"] and not _shared_below(run, facts):
        yield Section("What feeds it", _feeding(run))
    if run.history is not None and len(run.history.iteration):
        yield Section("How it was learned", _history(run, run.history, facts))


def _shared_below(run: Run, facts: Facts) -> bool:
    """Then a layer's inputs are places, more than there are groups below."""
    return any("shared" in layer for layer in facts.layers[: run.index])


def atoms_words(run: Run, most: int) -> str:
    """Which groups a picture of the atoms shows."""
    alive = int(run.layer.alive.sum())
    shown = min(most, alive)
    words = f"Atoms of the {shown} most used of {alive} groups, {run.layer.group_size} in each"
    if run.layer.usage is None or not shown:
        return words
    usage = run.layer.usage[run.layer.most_used()[:shown]]
    first, last = (numbers.percent(value) for value in usage[[0, -1]])
    return f"{words}, active in {first} down to {last} of the samples"


def _atoms(run: Run, known: Known) -> Html:
    words = atoms_words(run, SHOWN_GROUPS)
    if known["locality"] is not None:
        words += (
            f". They spread over {known['spread']:.2f} {known['spread_unit']} in the median, "
            f"{known['locality']:.2f} of what shuffled ones do"
        )
    caption = "Each frame is a group; above it how often it is active, and its number."
    return figure(atoms.draw(run, SHOWN_GROUPS), words + ".", caption)


def _fields(run: Run) -> Html:
    counts = (run.layer.connectivity[:, run.layer.alive] != 0).sum(axis=0)
    words = "No group is alive."
    if counts.size:
        words = (
            f"Connections of {counts.size} groups: {np.median(counts):.0f} of {run.layer.d} inputs "
            f"in the median, from {counts.min()} to {counts.max()}. "
            "Below: the centres of all fields, and how many inputs they take."
        )
    caption = "The inputs that each group connects to; white is no connection."
    return figure(fields.draw(run, SHOWN_GROUPS), words, caption)


def _pools(run: Run, known: Known) -> Html:
    within, between, ratio = (
        numbers.known(known[name], numbers.plain)
        for name in ("envelope_cosine_within", "envelope_cosine_between", "pooling")
    )
    copies = numbers.known(known["copies"], numbers.percent)
    words = (
        f"Pools and their atoms. Envelopes of atoms of one pool have a mean cosine of {within}, "
        f"those of different pools {between}: {ratio} times as alike. "
        f"{copies} of the pairs in a pool are one atom twice."
    )
    caption = "Each pool with its atoms; below, pairs of one pool beside pairs of different pools."
    return figure(pools.draw(run, SHOWN_POOLS), words, caption)


def _feeding(run: Run) -> Html:
    connectivity = run.layer.connectivity[:, run.layer.alive]
    counts = (connectivity != 0).sum(axis=0)
    strongest = float(np.median(pools_deep.shares(connectivity).max(axis=0)))
    words = (
        f"What feeds {counts.size} groups: {np.median(counts):.0f} of {run.layer.d} pools of layer "
        f"{run.index - 1} in the median, from {counts.min()} to {counts.max()}; "
        f"the strongest has {numbers.percent(strongest)} of the connections, squared."
    )
    caption = "Each group with the pools below that feed it most; below, all groups together."
    return figure(pools_deep.draw(run, SHOWN_POOLS), words, caption)


def _history(run: Run, found: History, facts: Facts) -> Html:
    told = (
        ("the objective", found.objective, numbers.plain),
        ("active groups", found.active_fraction, numbers.percent),
        ("connections", found.connection_density, numbers.percent),
    )
    ends = (
        f"{what} from {numbers.known(float(values[0]), form)} "
        f"to {numbers.known(float(values[-1]), form)}"
        for what, values, form in told
    )
    worst = numbers.known(float(found.max_gap.max(initial=-math.inf)), numbers.gap)
    over = numbers.several(len(found.iteration), "iteration")
    words = f"Over {over}: {', '.join(ends)}; the largest gap of all is {worst}."
    caption = "One batch an iteration."
    if run.freeze_iteration is not None and run.freeze_iteration <= found.iteration.max():
        caption += " From the dashed line on the weights of J stay as they are."
    columns = facts.histories.get(str(run.index), {})
    data = history.data(columns, f"History of layer {run.index}", f"/history/{run.index}")
    return figure(curves.draw(run), words, caption, data)
