"""Writes what a fuzz input stands for, as the targets in tests/fuzz do, and prints the command to run on it, quoted for
the shell.

    replay.py idx|cifar10|options INPUT FOLDER
"""
from __future__ import annotations

import gzip
import shlex
import sys
from pathlib import Path


def _write(path: Path, data: bytes, packed: bool = False) -> None:
    path.write_bytes(gzip.compress(data, 1) if packed else data)


def idx(data: bytes, folder: Path) -> list[str]:
    length = data[1] | data[2] << 8
    _write(folder / "images", data[3:3 + length], bool(data[0] & 2))
    _write(folder / "labels", data[3 + length:], bool(data[0] & 4))
    images, labels = str(folder / "images"), str(folder / "labels")
    test = ["-test-images", images, "-test-labels", labels] if data[0] & 1 else []
    return ["import", "idx", "-images", images, "-labels", labels, *test, "-o", "new.h5"]


def cifar10(data: bytes, folder: Path) -> list[str]:
    length = (data[1] | data[2] << 8 | data[3] << 16) % (1 << 16)
    filled = (data[4:] * (length // len(data[4:]) + 1))[:length]
    if data[0] & 1:
        _write(folder / "data_batch_1.bin", filled)
    if data[0] & 2:
        _write(folder / "test_batch.bin", data[4:])
    if data[0] & 4:
        _write(folder / "data_batch_3.bin.gz", data[4:])
    if data[0] & 8:
        _write(folder / "data_batch_3.bin.gz", filled, packed=True)
    return ["import", "cifar10", "-dir", str(folder), "-o", "new.h5"]


def options(data: bytes, folder: Path) -> list[str]:
    verb = ["learn", "encode", "train", "info"][data[0] & 3]
    check = ["-check"] if verb != "info" else []
    if data[0] & 4:
        _write(folder / "options.yaml", data[1:])
        return [verb, *check, "-options_file", str(folder / "options.yaml")]
    text = data[1:].split(b"\0")[0].decode("latin-1").replace("/", "_").replace("|", "_")
    return [verb, *check, *(word for word in text.split("\n") if word)][:78]


def main(target: str, source: str, where: str) -> None:
    folder = Path(where)
    folder.mkdir(parents=True)
    command = {"idx": idx, "cifar10": cifar10, "options": options}[target](Path(source).read_bytes(), folder)
    print(shlex.join(command))


if __name__ == "__main__":
    main(*sys.argv[1:])
