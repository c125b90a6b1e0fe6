#!/usr/bin/env python3
"""Breaks the program in one place at a time, and looks whether a test fails.

    tests/analysis/mutations.py [NUMBER...]

Works on a copy of the source in a folder of its own, with a build of its own. Each mutation is a place in the source,
what is put there instead, and the tests, as ctest names them, of which at least one must fail. Prints a row
each; status 1 where one survives: where the tests do not see it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

SOURCE = Path(__file__).resolve().parents[2]


class Mutation(NamedTuple):
    file: str
    old: str
    new: str
    tests: str


MUTATIONS = [
    # The coder and its certificate.
    Mutation("src/coder/interface/gap.c", "dual -= 0.5 * excess", "dual -= 0.25 * excess", "unit/coder/1"),
    Mutation("src/coder/interface/gap.c", "*gap = PetscMax(*primal - dual, 0.0) /", "*gap = 0.5 * (*primal - dual) /",
             "unit/coder/1 unit/coderloop/1 unit/coderuse/1"),
    Mutation("src/coder/interface/gap.c", "sum += coder->threshold * PetscSqrtReal(square) +", "sum += square +",
             "unit/coder/1 unit/coderloop/1 unit/coderuse/1"),
    # The dictionary step and its sums.
    Mutation("src/dict/proximal.c", "PetscSqrtReal(s->square[a]) - m, 0.0)", "PetscSqrtReal(s->square[a]) - m, 1e-6)",
             "unit/dict/1"),
    Mutation("src/dict/proximal.c", "MPI_DOUBLE, MPI_SUM, s->dict->comm", "MPI_DOUBLE, MPI_SUM, PETSC_COMM_SELF",
             "unit/dict/2"),
    Mutation("src/dict/statistics.c", "s->count[g] += (double)", "s->count[g] = (double)", "unit/statistics/1 unit/fold/1 unit/stack/1"),
    # Batches, weights, groups.
    Mutation("src/stack/batch.c", "return s * width + PetscMin(s, longer);", "return s * width;", "unit/batches/1"),
    Mutation("src/stack/batch.c", "(uint64_t)epoch * (uint64_t)b->strata + (uint64_t)s", "(uint64_t)s", "unit/batches/1"),
    Mutation("src/stack/weights.c", "(norm - threshold) * (norm - threshold)", "(norm - threshold)",
             "unit/layer/1 unit/stack/1 unit/start/1"),
    Mutation("src/stack/depth.c", "(d->information.bits - before) / PetscMax(before, 1)", "d->information.bits - before",
             "unit/stack/1 cli/depth"),
    # Information.
    Mutation("src/stack/information.c", "log2(1 - weight + weight * ", "log2(", "unit/information/1 unit/decoder/1"),
    Mutation("src/stack/information.c", " + decoder->bias[j] * decoder->bias[j];", ";", "unit/information/1 unit/decoder/1"),
    # Preprocessing and linear algebra.
    Mutation("src/prep/prep.c", "prep->floor_option * sqrt(sums.variance", "prep->floor_option * (sums.variance",
             "unit/prep/1"),
    Mutation("src/linalg/spectral.c", "if (gi > gj) y[gj] +=", "if (gi >= gj) y[gj] +=", "unit/spectral/1 unit/spectral/2 unit/spectral/4"),
    Mutation("src/linalg/normal.c", "  AddRows(count, (size_t)m, y, s->sum_y);\n", "", "unit/normal/1 unit/decoder/1"),
    # Sharing.
    Mutation("src/share/lattice.c", "(l->row[j] * l->cols + l->col[j])", "(l->col[j] * l->cols + l->row[j])",
             "unit/lattice/1 unit/share/1"),
    # Training.
    Mutation("src/train/backward.c", "WeftBlockSet(gradient, 0, o->bias + c, sum);",
             "WeftBlockSet(gradient, 0, o->bias + c, 0.5 * sum);", "unit/traingradient/1"),
    Mutation("src/train/optimiser.c", "cos(PETSC_PI * (t - warmup)", "cos(PETSC_PI * t", "unit/trainstep/1"),
    Mutation("src/train/plan.c", "at < 0 || at == last ||", "at < 0 ||", "unit/trainplan/1"),
    # Files: what is read, what is written, that it appears whole, that damage is found, that two do not write at once.
    Mutation("src/data/idx.c", "(b[1] << 16) | (b[2] << 8)", "(b[2] << 16) | (b[1] << 8)", "cli/import_idx unit/data/1"),
    Mutation("src/io/write.c", "norm[j] = PetscSqrtReal(norm[j]);", "norm[j] = norm[j];", "unit/runfile/1"),
    Mutation("src/sys/h5sum.c", "after = all - (first + count) * H5Tget_size(file_type);", "after = all;",
             "cli/resume unit/runfile/1"),
    Mutation("src/sys/output.c", "  if (ok && o->mine) error = CheckAndRename(o);", "  if (ok && o->mine) RenameDurably(o->partial, o->path);",
             "cli/faults cli/disk"),
    Mutation("src/sys/lock.c", "WeftUserCheck(error != EAGAIN, comm,", "WeftUserCheck(error != EAGAIN || owner[0], comm,",
             "cli/lock"),
    Mutation("src/sys/random.c", "} while (r < reject);", "} while (r < 0 * reject);", "unit/random/1"),
]


def command(*words: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False, **options)  # type: ignore


def targets(tests: str) -> list[str]:
    """What those tests run."""
    found = set()
    for test in tests.split():
        kind, name = test.split("/")[:2]
        found |= {f"test_{name}"} if kind == "unit" else {"weft", "traffic", "faults"}
    return sorted(found)


def build(folder: Path, tests: str) -> bool:
    jobs = str(os.cpu_count() or 1)
    return command("cmake", "--build", folder / "build", "--parallel", jobs, "--target", *targets(tests)).returncode == 0


def failing(folder: Path, tests: str) -> list[str]:
    done = command("ctest", "--test-dir", folder / "build", "-R", f"^({'|'.join(tests.split())})$")
    if f" out of {len(tests.split())}\n" not in done.stdout:
        sys.exit(f"no test is named as one of {tests}")
    return re.findall(r"\d+ - (\S+) \(\w+\)", done.stdout)


def seen(folder: Path, mutation: Mutation) -> str:
    """How the mutation shows: the tests that fail, or nothing."""
    path = folder / mutation.file
    text = path.read_text(encoding="utf-8")
    if text.count(mutation.old) != 1:
        sys.exit(f"{mutation.file} has {text.count(mutation.old)} places, not one, with: {mutation.old}")
    path.write_text(text.replace(mutation.old, mutation.new), encoding="utf-8")
    try:
        if not build(folder, mutation.tests):
            sys.exit(f"{mutation.file} does not build with: {mutation.new}")
        return " ".join(failing(folder, mutation.tests))
    finally:
        path.write_text(text, encoding="utf-8")


def main() -> None:
    chosen = [int(word) for word in sys.argv[1:]] or list(range(1, len(MUTATIONS) + 1))
    survived = 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "weft"
        shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("build*", ".git"))
        command("cmake", "-S", folder, "-B", folder / "build")
        if not build(folder, " ".join(MUTATIONS[number - 1].tests for number in chosen)):
            sys.exit("the source does not build")
        for number in chosen:
            mutation = MUTATIONS[number - 1]
            tests = seen(folder, mutation)
            survived += not tests
            print(f"{number:2d} {mutation.file:28s} {'seen by ' + tests if tests else 'SURVIVED: ' + mutation.new}", flush=True)
    print(f"{len(chosen)} mutations, {len(chosen) - survived} seen")
    sys.exit(1 if survived else 0)


if __name__ == "__main__":
    main()
