"""What Slurm is asked for, with stand-ins for its commands."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from conftest import SOURCE
from weftsweep.errors import SweepError
from weftsweep.manifest import Point, make_point
from weftsweep.submit import Slurm, Wishes, array_size, compact, refuse_queued

Patch = pytest.MonkeyPatch


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: Patch) -> Path:
    """Commands of Slurm that say nothing, first in PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("WEFT_JOBS", str(SOURCE / "jobs"))
    monkeypatch.setenv("WEFT", "/bin/true")
    monkeypatch.delenv("WEFT_SITE", raising=False)
    return folder


def command(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    (folder / name).chmod(0o755)


def points(*indices: int) -> list[Point]:
    return [make_point(i, {"weft_atoms": str(i)}, []) for i in indices]


def slurm(folder: Path, size: int = 1001, **wishes: object) -> Slurm:
    return Slurm(folder / "my sweep 5%", Wishes(**wishes), size)  # type: ignore[arg-type]


def test_array_numbers_are_those_of_the_points(tmp_path: Path, bin_folder: Path) -> None:
    (array,) = slurm(tmp_path).arrays(points(0, 3, 7, 8, 9))
    assert array.tasks == {0: [0], 3: [3], 7: [7], 8: [8], 9: [9]}
    assert "--array=0,3,7-9" in array.command


def test_several_points_in_a_task_ask_for_as_many_ranks(tmp_path: Path, bin_folder: Path) -> None:
    (array,) = slurm(tmp_path, per_task=2, ranks=3, at_once=4).arrays(points(1, 2, 5, 6, 9))
    assert array.tasks == {1: [1, 2], 5: [5, 6], 9: [9]}
    assert "--array=1,5,9%4" in array.command and "--ntasks-per-node=6" in array.command
    (array,) = slurm(tmp_path, per_task=8, ranks=3).arrays(points(1, 2))
    assert "--ntasks-per-node=6" in array.command


def test_more_than_slurm_takes_are_several_arrays(tmp_path: Path, bin_folder: Path) -> None:
    first, second = slurm(tmp_path, 3).arrays(points(0, 1, 2, 3, 4))
    assert first.tasks == {0: [0], 1: [1], 2: [2]} and second.tasks == {0: [3], 1: [4]}
    assert "--array=0-2" in first.command and "--array=0-1" in second.command
    assert [first.path.name, second.path.name] == ["0001.json", "0002.json"]
    (array,) = slurm(tmp_path, 3).arrays(points(7))
    assert array.tasks == {0: [7]}, "7 is more than this Slurm's largest number"


def test_wishes_win_over_the_site(tmp_path: Path, bin_folder: Path, monkeypatch: Patch) -> None:
    site = tmp_path / "site.sh"
    site.write_text("weft_partition=short\nweft_time=30\nweft_memory=9G\nweft_nodes=4\n")
    monkeypatch.setenv("WEFT_SITE", str(site))
    (array,) = slurm(tmp_path).arrays(points(0))
    for word in ("--partition=short", "--time=30", "--mem=9G", "--nodes=1", "--signal=B:USR1@180"):
        assert word in array.command
    (array,) = slurm(tmp_path, memory="500M", time="4").arrays(points(0))
    for word in ("--time=4", "--mem=500M", "--signal=B:USR1@60"):
        assert word in array.command
    assert sum(word.startswith("--output") for word in array.command) == 1
    assert f"--output={tmp_path}/my sweep 5%%/jobs/%A_%a.log" in array.command


def test_the_collecting_job_waits_for_all_arrays(tmp_path: Path, bin_folder: Path) -> None:
    made = slurm(tmp_path).collect_command(["12", "13"])
    assert "--dependency=afterany:12:13" in made and "--ntasks-per-node=1" in made
    assert made[-3:] == ["-m", "weftsweep.collect", str(tmp_path / "my sweep 5%")]


def test_what_is_submitted_is_on_record_before_it_starts(
    tmp_path: Path, bin_folder: Path
) -> None:
    made = slurm(tmp_path)
    made.sweep.mkdir()
    log = tmp_path / "calls"
    script = f'ls "{made.sweep}/jobs" >> {log}; echo "$@" >> {log}; echo "71;here"'
    command(bin_folder, "sbatch", script)
    lines = list(made.submit(points(2, 3)))
    assert log.read_text().startswith("0001.json\n")
    found = json.loads((made.sweep / "jobs/0001.json").read_text())
    assert found["job"] == "71" and found["tasks"] == {"2": [2], "3": [3]}
    assert lines[0].startswith("job 71: 2 tasks; ") and "scancel 71 71" in lines[-1]
    assert made.arrays(points(2))[0].path.name == "0002.json"


def test_a_refusal_of_sbatch_is_one_line_and_no_record(tmp_path: Path, bin_folder: Path) -> None:
    made = slurm(tmp_path)
    made.sweep.mkdir()
    script = "for why in note 'no such partition'; do echo sbatch: error: $why >&2; done; exit 1"
    command(bin_folder, "sbatch", script)
    with pytest.raises(SweepError) as caught:
        list(made.submit(points(2)))
    assert str(caught.value) == "sbatch: no such partition"
    assert list((made.sweep / "jobs").iterdir()) == []


def test_a_sweep_in_the_queue_is_refused(tmp_path: Path, bin_folder: Path) -> None:
    jobs = tmp_path / "jobs"
    jobs.mkdir()
    (jobs / "0001.json").write_text('{"job": "71", "tasks": {}}')
    command(bin_folder, "squeue", f"[ $3$4 = %F--user={os.getuid()} ] && printf '5\\n71\\n71\\n'")
    words = "job 71 of this sweep is in the queue; wait for it, or scancel 71"
    with pytest.raises(SweepError, match=words):
        refuse_queued(tmp_path, local=True)
    command(bin_folder, "squeue", "printf '5\\n7\\n'")
    refuse_queued(tmp_path, local=False)
    command(bin_folder, "squeue", "exit 1")
    refuse_queued(tmp_path, local=True)
    with pytest.raises(SweepError, match="squeue"):
        refuse_queued(tmp_path, local=False)


def test_the_largest_array_is_asked_for(bin_folder: Path) -> None:
    command(bin_folder, "scontrol", "printf 'MaxAge = 3\\nMaxArraySize            = 10001\\n'")
    assert array_size() == 10001
    command(bin_folder, "scontrol", "echo 'slurm_load: no controller' >&2; exit 1")
    with pytest.raises(SweepError, match="no controller; --local runs the points on this machine"):
        array_size()


@pytest.mark.parametrize(
    "numbers, text", [([], ""), ([4], "4"), ([0, 1, 2], "0-2"), ([1, 3, 4, 9], "1,3-4,9")]
)
def test_numbers_are_told_in_short(numbers: list[int], text: str) -> None:
    assert compact(numbers) == text


def test_words_before_weft_are_the_launcher_of_the_site(
    tmp_path: Path, bin_folder: Path, monkeypatch: Patch
) -> None:
    words = slurm(tmp_path, ranks=2, per_task=3).launcher()
    assert words[0] == "srun" and "--mpi=pmix" in words
    assert words[-4:] == ["--nodes=1", "--ntasks=2", "--exact", "--mem=0"]
    site = tmp_path / "site.sh"
    site.write_text("weft_launcher=mpirun\nweft_mpirun_options=(--report-bindings '--tag a')\n")
    monkeypatch.setenv("WEFT_SITE", str(site))
    words = slurm(tmp_path, ranks=2).launcher()
    assert words == ["mpirun", "-n", "2", "--report-bindings", "--tag a"]


def test_a_slurm_without_arrays_is_one_line(bin_folder: Path) -> None:
    command(bin_folder, "scontrol", "echo 'MaxArraySize = 0'")
    with pytest.raises(SweepError, match="takes no array jobs .*; --local runs the points"):
        array_size()


def test_what_was_submitted_is_told_before_a_refusal(tmp_path: Path, bin_folder: Path) -> None:
    made = slurm(tmp_path)
    made.sweep.mkdir()
    script = 'case "$*" in *weft-collect*) echo no more jobs >&2; exit 1 ;; esac; echo 71'
    command(bin_folder, "sbatch", script)
    lines = made.submit(points(2))
    assert next(lines).startswith("job 71: 1 tasks; ")
    with pytest.raises(SweepError, match="no more jobs"):
        next(lines)


def test_from_within_a_job_the_new_one_takes_nothing(
    tmp_path: Path, bin_folder: Path, monkeypatch: Patch
) -> None:
    made = slurm(tmp_path)
    made.sweep.mkdir()
    log = tmp_path / "environment"
    command(bin_folder, "sbatch", f"env | grep ^SLURM_ > {log}; echo 71")
    for name in ("JOB_ID", "ARRAY_JOB_ID", "RESTART_COUNT", "MEM_PER_CPU", "CONF"):
        monkeypatch.setenv(f"SLURM_{name}", "5")
    list(made.submit(points(2)))
    assert log.read_text() == "SLURM_CONF=5\n"
