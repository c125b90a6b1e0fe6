"""Under Slurm: the points as array jobs, and a job after them that collects."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from .errors import SweepError, command
from .files import Json, now, read_json, write_json
from .manifest import Point

FOLDER = "jobs"  # in that of the sweep: what was submitted, and the logs of Slurm
MAX_ARRAY_SIZE = re.compile(r"^MaxArraySize\s*=\s*(\d+)", re.MULTILINE)
DEFAULT_ARRAY_SIZE = 1001  # Slurm's own
SECONDS = 120
Item = TypeVar("Item")


@dataclass(frozen=True)
class Wishes:
    """What the user asked of Slurm, beside the site file."""

    ranks: int = 1
    per_task: int = 1
    at_once: int | None = None
    memory: str = ""
    time: str = ""


@dataclass(frozen=True)
class Array:
    """One array job: the points of each of its tasks."""

    path: Path  # of the file that says so
    tasks: dict[int, list[int]]
    command: list[str]


@dataclass(frozen=True)
class Slurm:
    sweep: Path
    wishes: Wishes
    array_size: int  # the largest that this Slurm takes

    def arrays(self, points: Sequence[Point]) -> list[Array]:
        """Task numbers are those of the points where Slurm's largest array has room for them."""
        groups = list(split([point.index for point in points], self.wishes.per_task))
        width = max(map(len, groups), default=0)
        numbered = groups[-1][0] < self.array_size if groups else True
        first, made = self._next_number(), []
        for i, part in enumerate(split(groups, self.array_size)):
            tasks = {(group[0] if numbered else n): group for n, group in enumerate(part)}
            path = self.sweep / FOLDER / f"{first + i:04}.json"
            made.append(Array(path, tasks, self._array_command(path, tasks, width)))
        return made

    def _next_number(self) -> int:
        files = (self.sweep / FOLDER).glob("[0-9][0-9][0-9][0-9].json")
        return max((int(path.stem) for path in files), default=0) + 1

    def _array_command(self, path: Path, tasks: dict[int, list[int]], width: int) -> list[str]:
        """`width`: points side by side, at most."""
        wishes = self.wishes
        limit = f"%{wishes.at_once}" if wishes.at_once else ""
        runner = [*words_script("task"), str(wishes.ranks), sys.executable]
        return [
            *self._sbatch(wishes.ranks * width, wishes.memory, wishes.time),
            f"--job-name=weft-sweep-{self.sweep.name}",
            f"--array={compact(tasks)}{limit}",
            f"--output={self._log('%A_%a.log')}",
            job_script(),
            *runner,
            str(self.sweep),
            str(path),
            str(width),
        ]

    def collect_command(self, arrays: Iterable[str]) -> list[str]:
        path = os.pathsep.join([str(jobs_folder()), str(jobs_folder().parent / "postprocess")])
        return [
            *self._sbatch(1, "", self.wishes.time),
            f"--job-name=weft-collect-{self.sweep.name}",
            f"--dependency=afterany:{':'.join(arrays)}",
            "--kill-on-invalid-dep=yes",
            f"--output={self._log('collect-%j.log')}",
            job_script(),
            *["env", f"PYTHONPATH={path}", sys.executable, "-m", "weftsweep.collect"],
            str(self.sweep),
        ]

    def _sbatch(self, ranks: int, memory: str, time: str) -> list[str]:
        return ask_words("sbatch", time, memory, str(ranks))

    def _log(self, name: str) -> str:
        return f"{str(self.sweep / FOLDER).replace('%', '%%')}/{name}"

    def launcher(self) -> list[str]:
        return ask_words("launch", str(self.wishes.ranks), str(self.wishes.per_task))

    def show(self, points: Sequence[Point]) -> list[str]:
        """The commands that would be run."""
        arrays = self.arrays(points)
        commands = [array.command for array in arrays]
        if arrays:
            commands.append(self.collect_command(f"ARRAY{i + 1}" for i in range(len(arrays))))
        return [shlex.join(words) for words in commands]

    def submit(self, points: Sequence[Point]) -> Iterator[str]:
        """Submits all, and tells each job at once, and then how to watch them."""
        (self.sweep / FOLDER).mkdir(exist_ok=True)
        jobs = []
        for array in self.arrays(points):
            jobs.append(_submit_array(array))
            yield f"job {jobs[-1]}: {len(array.tasks)} tasks; their points: {array.path}"
        jobs.append(_sbatch(self.collect_command(jobs)))
        yield f"job {jobs[-1]}: table and report, when all have ended"
        again = f"{command()} --status {shlex.quote(str(self.sweep))}"
        yield f"  watch    {again}     squeue -j {','.join(jobs)}"
        yield f"  logs     {self.sweep / 'points'}/*/log.txt, {self.sweep / FOLDER}/*.log"
        yield f"  cancel   scancel {' '.join(jobs)}"


def available() -> bool:
    return shutil.which("sbatch") is not None


def refuse_queued(sweep: Path, local: bool) -> None:
    """Two runs of one point would write the same files."""
    known = {str((read_json(path) or {}).get("job")) for path in (sweep / FOLDER).glob("*.json")}
    if not known or not shutil.which("squeue"):
        return
    try:
        queued = set(_output(["squeue", "-h", "-o", "%F", f"--user={os.getuid()}"]).split())
    except SweepError:
        if local:
            return
        raise
    if known & queued:
        job = sorted(known & queued)[0]
        words = f"job {job} of this sweep is in the queue; wait for it, or scancel {job}"
        raise SweepError(f"{sweep}: {words}")


def array_size() -> int:
    try:
        found = MAX_ARRAY_SIZE.search(_output(["scontrol", "show", "config"]))
    except SweepError as error:
        raise SweepError(f"{error}; --local runs the points on this machine") from None
    size = int(found.group(1)) if found else DEFAULT_ARRAY_SIZE
    if not size:
        words = "this Slurm takes no array jobs (MaxArraySize 0)"
        raise SweepError(f"{words}; --local runs the points on this machine")
    return size


def split(items: Sequence[Item], size: int) -> Iterator[list[Item]]:
    for begin in range(0, len(items), size):
        yield list(items[begin : begin + size])


def compact(numbers: Iterable[int]) -> str:
    """3,7-9, as sbatch --array takes it; the numbers rise."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def jobs_folder() -> Path:
    return Path(__file__).resolve().parents[1]


def job_script() -> str:
    return str(jobs_folder() / "job.sh")


def words_script(mode: str) -> list[str]:
    return [str(jobs_folder() / "weftsweep" / "words.sh"), mode]


def ask_words(mode: str, *arguments: str) -> list[str]:
    return _output([*words_script(mode), *arguments]).split("\0")[:-1]


def _submit_array(array: Array) -> str:
    """The file is there before a task can start, and goes if none will."""
    tasks = {str(number): points for number, points in array.tasks.items()}
    content: Json = {"submitted": now(), "job": None, "tasks": tasks}
    write_json(array.path, content)
    try:
        content["job"] = _sbatch(array.command)
    except SweepError:
        array.path.unlink()
        raise
    write_json(array.path, content)
    return str(content["job"])


def _sbatch(words: list[str]) -> str:
    return _output(words, outside()).strip().split(";")[0]  # a cluster's name may follow


def outside() -> dict[str, str]:
    """Submitted from within a job, the new one must not take that one's number or memory for its own."""
    inside = "SLURM_JOB_ID" in os.environ
    return {
        name: text
        for name, text in os.environ.items()
        if not (inside and name.startswith("SLURM_")) or name == "SLURM_CONF"
    }


def _output(words: list[str], environment: dict[str, str] | None = None) -> str:
    try:
        result = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=environment,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SweepError(f"{words[0]}: {error}") from None
    if result.returncode:
        said = result.stderr.strip().splitlines() or [f"status {result.returncode}"]
        raise SweepError(f"{Path(words[0]).name}: {said[-1].split('error: ')[-1]}")
    return result.stdout
