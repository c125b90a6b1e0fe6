"""The runner of points, with a stand-in for weft that keeps what it was called with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import Stub
from weftsweep import point
from weftsweep.manifest import make_point, write_manifest

NASTY = ["; rm -rf .", "$(touch x)", "`touch x`", "a b", "a\nb", "'\"", "-rf", "--", "*", "~"]
NASTY += ["%s", "\\", "é", "a&b|c>d"]


def make_sweep(folder: Path, *points: list[str], verb: str = "learn") -> Path:
    """A sweep of points with these arguments."""
    steps = [[{"verb": verb, "arguments": words, "output": "run.h5"}] for words in points]
    made = [make_point(i, {"weft_iterations": str(i)}, step) for i, step in enumerate(steps)]
    sweep = folder / "sweep"
    sweep.mkdir(exist_ok=True)
    write_manifest(sweep, {}, made)
    return sweep


def run(sweep: Path, *indices: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "weftsweep.point", str(sweep), *indices]
    settings = {**os.environ, **environment}
    return subprocess.run(command, env=settings, capture_output=True, text=True, check=False)


def record(sweep: Path, index: int) -> dict[str, Any]:
    path = sweep / "points" / f"iterations={index}" / "status.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def test_arguments_reach_weft_as_they_are(tmp_path: Path, stub: Stub) -> None:
    words = [word for text in NASTY for word in ("-weft_start", text)]
    sweep = make_sweep(tmp_path, words)
    assert run(sweep, "0").returncode == 0
    assert stub.calls() == [["learn", *words, "-o", "run.h5", "-resume"]]
    written = sorted(path.name for path in (sweep / "points/iterations=0").iterdir())
    assert written == ["log.txt", "run.h5", "status.json"]


def test_a_point_that_is_done_says_so(tmp_path: Path, stub: Stub) -> None:
    sweep = make_sweep(tmp_path, ["-weft_iterations", "3"])
    assert run(sweep, "0", SLURM_ARRAY_JOB_ID="12", SLURM_ARRAY_TASK_ID="7").returncode == 0
    found = record(sweep, 0)
    assert (found["state"], found["step"]) == ("done", "learn")
    assert (found["exit"], found["reason"]) == (0, "")
    assert (found["attempt"], found["job"]) == (1, "12_7") and found["host"]
    assert found["started"] <= found["ended"]
    log = (sweep / "points/iterations=0/log.txt").read_text(encoding="utf-8")
    assert "attempt 1: " in log and "noise" in log
    assert "learn -weft_iterations 3 -o run.h5 -resume" in log
    assert run(sweep, "0").returncode == 0
    assert len(stub.calls()) == 1, "done a second time"


@pytest.mark.parametrize(
    "iterations, code, reason",
    [
        ("13", 2, "weft: error: -weft_iterations 13: bad luck"),
        ("14", 3, "weft: error: -o: the disk is full"),
    ],
)
def test_a_failed_point_names_the_reason(
    tmp_path: Path, stub: Stub, iterations: str, code: int, reason: str
) -> None:
    sweep = make_sweep(tmp_path, ["-weft_iterations", iterations], ["-weft_iterations", "1"])
    assert run(sweep, "0").returncode == code
    found = record(sweep, 0)
    assert (found["state"], found["exit"], found["reason"]) == ("failed", code, reason)
    assert run(sweep, "0").returncode == code and record(sweep, 0)["attempt"] == 2


def test_status_75_is_stopped_and_the_next_turn_goes_on(tmp_path: Path, stub: Stub) -> None:
    sweep = make_sweep(tmp_path, ["-weft_iterations", "75"])
    assert run(sweep, "0").returncode == 75
    assert record(sweep, 0)["state"] == "stopped"
    assert run(sweep, "0").returncode == 0
    assert (record(sweep, 0)["state"], record(sweep, 0)["attempt"]) == ("done", 2)


def test_points_side_by_side_do_not_stop_one_another(tmp_path: Path, stub: Stub) -> None:
    words = [["-weft_iterations", text] for text in ("1", "14", "75", "2")]
    sweep = make_sweep(tmp_path, *words)
    assert run(sweep, "0", "1", "2", "3").returncode == 75
    assert [record(sweep, i)["state"] for i in range(4)] == ["done", "failed", "stopped", "done"]
    assert run(sweep, "0", "1", "2", "3").returncode == 3
    assert [record(sweep, i)["state"] for i in range(4)] == ["done", "failed", "done", "done"]


@pytest.mark.parametrize(
    "name, state", [("TERM", "stopped"), ("INT", "stopped"), ("KILL", "failed")]
)
def test_ended_from_without_is_stopped_and_killed_is_failed(
    tmp_path: Path, stub: Stub, name: str, state: str
) -> None:
    stub.program.write_text(f"#!/bin/sh\nkill -{name} $$\n", encoding="utf-8")
    sweep = make_sweep(tmp_path, [])
    assert run(sweep, "0").returncode == (75 if state == "stopped" else 137)
    assert record(sweep, 0)["state"] == state


def test_a_success_without_a_file_is_a_failure(tmp_path: Path, stub: Stub) -> None:
    stub.program.write_text("#!/bin/sh\nexit 0\n", encoding="utf-8")
    sweep = make_sweep(tmp_path, [])
    assert run(sweep, "0").returncode == 1
    assert record(sweep, 0)["reason"] == "status 0, but no file run.h5"


def test_a_program_that_is_none_fails_and_says_so(tmp_path: Path, stub: Stub) -> None:
    sweep = make_sweep(tmp_path, [])
    assert run(sweep, "0", WEFT=str(tmp_path / "none")).returncode == 127
    assert "cannot be started" in record(sweep, 0)["reason"]


def test_the_launcher_comes_first(tmp_path: Path, stub: Stub) -> None:
    sweep = make_sweep(tmp_path, ["-weft_iterations", "3"])
    words = json.dumps(["env", "STUB_LOG=" + str(tmp_path / "other log")])
    assert run(sweep, "0", WEFT_LAUNCHER_WORDS=words).returncode == 0
    assert (tmp_path / "other log").exists()


def test_an_array_task_finds_its_points(tmp_path: Path, stub: Stub) -> None:
    sweep = make_sweep(tmp_path, *([["-weft_iterations", "1"]] * 4))
    tasks = tmp_path / "0001.json"
    tasks.write_text('{"tasks": {"3": [1, 3]}}', encoding="utf-8")
    assert run(sweep, "--tasks", str(tasks), SLURM_ARRAY_TASK_ID="3").returncode == 0
    names = sorted(path.name for path in (sweep / "points").iterdir())
    assert names == ["iterations=1", "iterations=3"]


@pytest.mark.parametrize(
    "arguments, words",
    [
        ([], "DIR INDEX... | DIR --tasks FILE"),
        (["x"], "DIR INDEX... | DIR --tasks FILE"),
        (["-1"], "DIR INDEX... | DIR --tasks FILE"),
        (["--tasks"], "DIR INDEX... | DIR --tasks FILE"),
        (["9"], "points [9] are wanted; there are 0 to 0"),
        (["--tasks", "none.json"], "has no task"),
    ],
)
def test_mistakes_are_one_line(
    tmp_path: Path, stub: Stub, arguments: list[str], words: str
) -> None:
    done = run(make_sweep(tmp_path, []), *arguments)
    assert done.returncode == 2 and words in done.stderr and done.stderr.count("\n") == 1


def test_launcher_words_that_are_no_list_are_one_line(tmp_path: Path, stub: Stub) -> None:
    done = run(make_sweep(tmp_path, []), "0", WEFT_LAUNCHER_WORDS='"srun"')
    assert done.returncode == 2 and "WEFT_LAUNCHER_WORDS: a JSON list" in done.stderr


SLEEPER = """#!{python}
import os, signal, sys, time
def stop(*_):
    print("a checkpoint")
    sys.exit({code})
signal.signal(signal.SIGUSR1, stop)
signal.signal(signal.SIGTERM, lambda *_: os._exit(9))
open("begun", "w").close()
time.sleep(30)
"""


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("code", [75, 130])
def test_a_signal_reaches_weft_as_usr1(tmp_path: Path, stub: Stub, number: int, code: int) -> None:
    """Whatever the launcher makes of it: who was told to stop has stopped, not failed."""
    stub.program.write_text(SLEEPER.format(python=sys.executable, code=code), encoding="utf-8")
    sweep = make_sweep(tmp_path, [], [])
    command = [sys.executable, "-m", "weftsweep.point", str(sweep), "0", "1"]
    with subprocess.Popen(command, start_new_session=True) as process:
        while len(list((sweep / "points").glob("*/begun"))) < 2:
            assert process.poll() is None
            time.sleep(0.02)
        os.killpg(process.pid, number)
        assert process.wait(10) == 75
    for index in (0, 1):
        assert record(sweep, index)["state"] == "stopped"
        log = sweep / f"points/iterations={index}/log.txt"
        assert "a checkpoint" in log.read_text(encoding="utf-8")


def test_a_kill_leaves_running(tmp_path: Path, stub: Stub) -> None:
    stub.program.write_text("#!/bin/sh\nkill -9 $PPID\n", encoding="utf-8")
    sweep = make_sweep(tmp_path, [])
    assert run(sweep, "0").returncode == -signal.SIGKILL
    assert record(sweep, 0)["state"] == "running"


def test_a_folder_that_cannot_be_made_does_not_stop_the_others(tmp_path: Path, stub: Stub) -> None:
    sweep = make_sweep(tmp_path, ["-weft_iterations", "1"], ["-weft_iterations", "1"])
    (sweep / "points").mkdir()
    (sweep / "points/iterations=0").touch()
    done = run(sweep, "0", "1")
    assert done.returncode == 1 and "iterations=0" in done.stderr
    assert record(sweep, 1)["state"] == "done"


@pytest.mark.parametrize(
    "codes, expected",
    [([0, 0], 0), ([0, 2], 2), ([3, 75], 75), ([0, 255], 1), ([256], 1), ([137], 137)],
)
def test_the_status_of_several(codes: list[int], expected: int) -> None:
    assert point.overall(codes) == expected


def test_what_is_killed_has_no_last_words(tmp_path: Path, stub: Stub) -> None:
    stub.program.write_text("#!/bin/sh\necho batch 3 of 4\nkill -9 $$\n", encoding="utf-8")
    sweep = make_sweep(tmp_path, [])
    assert run(sweep, "0").returncode == 137
    found = record(sweep, 0)
    assert found["state"] == "failed"
    assert found["reason"] == "weft learn: killed, as where memory is out"
