"""What is to be run for the claims on one data set, step by step. A step makes one file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..errors import UserError

DEPTHS = (1, 2, 3, 4)
KINDS = ("learned", "learned-random-weights", "random-mask", "dense", "mlp")
PEER, CNN = "peer", "cnn"  # what PyTorch trains
PLAN = "plan.json"


@dataclass(frozen=True)
class Step:
    output: str  # below the claims' directory, which names the step too
    command: tuple[str, ...]  # WEFT and PYTHON stand for the programs, files are those of DIR
    needs: tuple[str, ...]  # outputs of other steps
    seconds: float  # about, on one core: for the time left
    about: dict[str, Any] = field(default_factory=dict)  # what readers look for

    @property
    def name(self) -> str:
        return self.output.removesuffix(".h5")


def steps_of(name: str, data: str, inputs: Path, seeds: int = 3) -> list[Step]:
    """All claims on one data file; `name` is its directory's. Seeds are 1 .. seeds."""
    return [
        *_information(name, data, inputs),
        *_depth(name, data, inputs, seeds),
        *_accuracy(name, data, inputs, seeds),
    ]


def _information(name: str, data: str, inputs: Path) -> Iterator[Step]:
    """Claims a and b: many structures, their bits, and what a softmax reads off them."""
    for kind, words in read_structures(inputs / "information.txt"):
        label = f"{name}/information/{kind}-{words['atoms']}"
        options = tuple(word for key in sorted(words) for word in (f"-weft_{key}", words[key]))
        about = {"claim": "a", "data": name, "kind": kind, "atoms": int(words["atoms"])}
        yield _learn(f"{label}.run.h5", data, 1, ("-weft_layers", "1", *options), about, 12)
        rule = ("-weft_train_rule", "softmax")
        yield _train(f"{label}.net.h5", f"{label}.run.h5", data, 1, rule, about, 12)


def _depth(name: str, data: str, inputs: Path, seeds: int) -> Iterator[Step]:
    """Claim e: four layers whatever the rule says, and networks of the first 1 to 4 of them."""
    for seed in range(1, seeds + 1):
        run = f"{name}/depth/seed{seed}.run.h5"
        about = {"claim": "e", "data": name, "seed": seed}
        yield _learn(run, data, seed, _file(inputs / "depth.yaml"), about, 40)
        for depth in DEPTHS:
            words = (*_file(inputs / "train.yaml"), "-weft_train_layers", str(depth))
            net = f"{name}/depth/layers{depth}-seed{seed}.net.h5"
            yield _train(net, run, data, seed, words, {**about, "depth": depth}, 20)


def _accuracy(name: str, data: str, inputs: Path, seeds: int) -> Iterator[Step]:
    """Claims c, d and f: structures from the defaults, their networks, and those beside them."""
    for seed in range(1, seeds + 1):
        about = {"claim": "f", "data": name, "seed": seed}
        run = f"{name}/accuracy/seed{seed}.run.h5"
        yield _learn(run, data, seed, _file(inputs / "learned.yaml"), about, 25)
        for kind in KINDS:
            words = (*_file(inputs / "train.yaml"), "-structure_kind", kind)
            net = f"{name}/accuracy/{kind}-seed{seed}.net.h5"
            yield _train(net, run, data, seed, words, {**about, "kind": kind}, 20)
        yield from _peer(name, data, seed, about)
        shared = f"{name}/accuracy/shared-seed{seed}.run.h5"
        yield _learn(shared, data, seed, _file(inputs / "shared.yaml"), {**about, "shared": 1}, 50)
        words = _file(inputs / "train-shared.yaml")
        net = f"{name}/accuracy/shared-seed{seed}.net.h5"
        yield _train(net, shared, data, seed, words, {**about, "kind": "learned, shared"}, 90)
        cnn = f"{name}/accuracy/cnn-seed{seed}.net.h5"
        command = ("PYTHON", "-m", "weftpost", "cnn", data, "-o", cnn, "--seed", str(seed))
        yield Step(cnn, command, (data,), 75, {**about, "makes": "net", "kind": CNN})


def _peer(name: str, data: str, seed: int, about: dict[str, Any]) -> Iterator[Step]:
    """The learned network once more, in PyTorch; and what both make of the same weights."""
    kinds = (KINDS[0], PEER)
    net, output = (f"{name}/accuracy/{kind}-seed{seed}.net.h5" for kind in kinds)
    logits = f"{name}/accuracy/{kinds[0]}-seed{seed}.logits.h5"
    command: tuple[str, ...] = ("WEFT", "encode", "-network", net, "-data", data, "-o", logits)
    yield Step(logits, command, (net, data), 3, {**about, "makes": "logits"})
    files = (net, "--data", data, "--logits", logits, "-o", output, "--seed", str(seed))
    command = ("PYTHON", "-m", "weftpost", "peer", *files)
    yield Step(output, command, (net, logits, data), 60, {**about, "makes": "net", "kind": PEER})


def _file(path: Path) -> tuple[str, ...]:
    return ("-options_file", str(path))


def _learn(
    run: str, data: str, seed: int, words: Iterable[str], about: dict[str, Any], seconds: float
) -> Step:
    command = ("WEFT", "learn", *words, "-data", data, "-o", run, "-seed", str(seed), "-resume")
    return Step(run, command, (data,), seconds, {**about, "makes": "run"})


def _train(
    net: str, run: str, data: str, seed: int, words: Iterable[str], about: dict[str, Any], seconds: float
) -> Step:
    files = ("-structure", run, "-data", data, "-o", net)
    command = ("WEFT", "train", *words, *files, "-seed", str(seed), "-resume")
    return Step(net, command, (run, data), seconds, {**about, "makes": "net"})


def read_structures(path: Path) -> list[tuple[str, dict[str, str]]]:
    """A structure a line: its kind, then options of weft learn as name=value, atoms among them."""
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        pairs = [word.partition("=") for word in words[1:]]
        options = {key: value for key, _, value in pairs}
        if not all(all(pair) for pair in pairs) or "atoms" not in options:
            raise UserError(f"{path}, line {number}: KIND atoms=N NAME=VALUE.. is wanted")
        found.append((words[0], options))
    return found


def write_plan(directory: Path, steps: list[Step]) -> None:
    text = json.dumps([asdict(step) for step in steps], indent=1)
    (directory / PLAN).write_text(text + "\n", encoding="utf-8")


def read_plan(directory: Path) -> list[Step]:
    path = directory / PLAN
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; give a directory of jobs/claims.sh") from error
    except ValueError as error:
        raise UserError(f"{path}: not JSON; run jobs/claims.sh again") from error
    return [
        Step(e["output"], tuple(e["command"]), tuple(e["needs"]), e["seconds"], e["about"])
        for e in entries
    ]
