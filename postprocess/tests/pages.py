"""The pages that the tests look at: of a run of two layers, a network and a sweep."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from synthetic import (
    connectivity_of,
    gabor_groups,
    plausible_history,
    set_status,
    write_network,
    write_run,
    write_sweep,
)

from weftpost.__main__ import main

HOSTILE = """<script>alert("x")</script>'&"<img src=http://x.example/>"""
HOSTILE_NAME = """<b id='x'>&"quoted".h5"""  # of a file: no slash
OPTIONS = "data: d.h5\nseed: 1\nweft_atoms: 60\nweft_coder_rtol: 1e-3\nweft_start: exemplars\n"
GRID = {"weft_sparsity": ["0.3", "0.5"], "weft_group_size": ["2", "4", "10"]}


def two_layers(path: Path) -> Path:
    """A run of images whose second layer pays and whose third does not."""
    found = {"bits": [20.0, 30.0, 30.3], "entropy_bits": [90.0, 95.0, 96.0], "kept": [1, 1, 0]}
    names = {"samples": 1000, "ranks": 2, "seed": 3, "weft_version": "0.1.0", "created": "2026"}
    atoms = gabor_groups((12, 12), 1, 30, 2)
    more: dict[str, Any] = {"shape": (12, 12, 1), "information": found, "attributes": names}
    write_run(path, atoms, 2, removed=(4,), **more)
    above = gabor_groups((1, 30), 1, 8, 2)
    with h5py.File(path, "a") as file:
        second = {"dictionary": above, "connectivity": connectivity_of(above, 2)}
        second |= {"alive": np.ones(8, np.uint8), "usage": np.full(8, 0.04)}
        for name, values in second.items():
            file[f"/layers/1/{name}"] = values
        for name, values in plausible_history(7).items():
            file[f"/history/1/{name}"] = values
        file["/layers/0"].attrs["lambda"] = 1.25
        file["/options"] = OPTIONS
    return path


def network(path: Path) -> Path:
    write_network(path, 0.9)
    with h5py.File(path, "a") as file:
        layer = file.create_group("/network/layers/0")
        words = {"inputs": 144, "groups": 29, "group_size": 2, "pools": 29, "read_pooled": 1}
        layer.attrs.update(words)
        layer["input"] = np.arange(200)
        file["/network/hidden"] = [128]
        file["/network"].attrs["classes"] = 10
        file["/options"] = "structure: run.h5\nstructure_kind: learned\nweft_train_epochs: 3\n"
    return path


def sweep(directory: Path) -> Path:
    """Five points of six are done, the fourth has failed."""
    points = write_sweep(directory, GRID, _bits, lambda values: 0.5 + 0.01 * _bits(values))
    for name in ("run.h5", "net.h5"):
        (points[3] / name).unlink()
    set_status(points[3], "failed", HOSTILE, 2)
    manifest = json.loads((directory / "sweep.json").read_text())
    manifest["grid"] = f"learn: {HOSTILE}"
    (directory / "sweep.json").write_text(json.dumps(manifest))
    return directory


def _bits(values: dict[str, str]) -> float:
    return 10 * float(values["weft_sparsity"]) + float(values["weft_group_size"])


def report(path: Path, output: Path, *more: str) -> Path:
    assert main(["report", str(path), "-o", str(output), *more]) == 0
    return output


def all_pages(directory: Path) -> dict[str, Path]:
    made = {
        "run": two_layers(directory / "run.h5"),
        "network": network(directory / "net.h5"),
        "sweep": sweep(directory / "a sweep"),
    }
    return {name: report(path, directory / f"{name}.html") for name, path in made.items()}


VOID = ("img", "link", "meta", "br", "wbr")


class Element:
    def __init__(self, tag: str, attributes: dict[str, str | None], parents: list[Element]) -> None:
        self.tag, self.attributes, self.parents = tag, attributes, parents
        self.text = ""  # with that of its children

    def inside(self, tag: str) -> bool:
        return any(parent.tag == tag for parent in self.parents)


class Document(HTMLParser):
    """Elements in order; refuses what is not closed as it was opened."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(path.read_text(encoding="utf-8"))
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"{tag} has an attribute twice"
        element = Element(tag, dict(attrs), list(self._open))
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def all(self, *tags: str) -> list[Element]:
        return [element for element in self.elements if element.tag in tags]

    def rows(self, caption: str) -> list[list[str]]:
        """The cells of the table whose caption begins so, its head first."""
        table = next(c.parents[-1] for c in self.all("caption") if c.text.startswith(caption))
        rows = [row for row in self.all("tr") if table in row.parents]
        cells = self.all("th", "td")
        return [[cell.text for cell in cells if cell.parents[-1] is row] for row in rows]
