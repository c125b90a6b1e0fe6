"""The command as a whole, with a stand-in for weft: what is refused, run, and run again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import Stub

WAIT = """signal.signal(signal.SIGUSR1, lambda *_: sys.exit(75))
open("begun", "w").close()
time.sleep(30)
"""
GRID = "learn: {weft_iterations: %s, weft_sparsity: 0.5}"


def call(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


class Sweep:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "d.h5").touch()

    def command(self, grid: str, *words: str) -> list[str]:
        path = self.folder / "g.yaml"
        path.write_text(grid, encoding="utf-8")
        data = ["-data", str(self.folder / "d.h5"), "-o", str(self.folder / "out")]
        return [sys.executable, "-m", "weftsweep", str(path), *data, "--local", *words]

    def run(self, grid: str, *words: str) -> subprocess.CompletedProcess[str]:
        return call(self.command(grid, *words))

    def written(self) -> bool:
        return (self.folder / "out").exists()


@pytest.fixture
def sweep(tmp_path: Path, stub: Stub) -> Sweep:
    return Sweep(tmp_path)


def runs(stub: Stub) -> list[str]:
    """The iterations of each run that was not a check."""
    calls = [words for words in stub.calls() if "-check" not in words]
    return sorted(words[words.index("-weft_iterations") + 1] for words in calls)


def test_points_run_and_a_failed_one_does_not_stop_the_others(sweep: Sweep, stub: Stub) -> None:
    done = sweep.run(GRID % "[1, 14, 2, 3]")
    assert done.returncode == 1, done.stderr
    assert runs(stub) == ["1", "14", "2", "3"]
    assert "done     3" in done.stdout and "failed   1" in done.stdout
    assert "failed: iterations=14: learn: weft: error: -o: the disk is full" in done.stdout
    assert "4 of 4 over: 1 failed" in done.stderr


def test_again_only_what_is_missing_or_failed_runs(sweep: Sweep, stub: Stub) -> None:
    sweep.run(GRID % "[1, 14]")
    stub.log.unlink()
    assert sweep.run(GRID % "[1, 14]").returncode == 1
    assert runs(stub) == ["14"]
    stub.log.unlink()
    assert sweep.run(GRID % "[1, 14, 5]").returncode == 1
    assert runs(stub) == ["14", "5"]


def test_a_dry_run_shows_points_and_commands_and_writes_nothing(sweep: Sweep, stub: Stub) -> None:
    done = sweep.run(GRID % "[1, 2]", "--dry-run")
    assert done.returncode == 0 and not sweep.written() and runs(stub) == []
    words = "-weft_iterations 2 -weft_sparsity 0.5 -o run.h5 -resume\n"
    for expected in ("0      missing  1\n", "learn -data ", words, "2 points, 2 to run; nothing"):
        assert expected in done.stdout


def test_what_weft_refuses_is_told_before_anything_is_written(sweep: Sweep, stub: Stub) -> None:
    done = sweep.run(GRID % "[1, 13]")
    assert done.returncode == 2 and not sweep.written() and runs(stub) == []
    words = "iterations=13: weft learn refuses: -weft_iterations 13: bad luck"
    assert done.stderr == f"sweep: error: {words}\n"


def test_a_check_that_cannot_run_is_a_note(
    sweep: Sweep, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUB_CHECK", "1")
    done = sweep.run(GRID % "[1, 2]")
    assert done.returncode == 0 and runs(stub) == ["1", "2"]
    assert done.stderr.count("sweep: note: weft learn -check cannot run here (status 1") == 1


def test_values_reach_weft_as_they_are(sweep: Sweep, stub: Stub) -> None:
    nasty = ["; rm -rf .", "$(touch x)", "`x`", "a\nb", "it's", '"', "*", "a b"]
    items = "".join(f"    - {yaml_text(text)}\n" for text in nasty)
    done = sweep.run(f"learn:\n  weft_start:\n{items}")
    assert done.returncode == 0, done.stderr
    calls = [words for words in stub.calls() if "-check" not in words]
    assert sorted(words[words.index("-weft_start") + 1] for words in calls) == sorted(nasty)


def yaml_text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def test_another_sweep_in_the_folder_is_refused(sweep: Sweep, stub: Stub) -> None:
    assert sweep.run(GRID % "[1, 2]").returncode == 0
    done = sweep.run((GRID % "[1, 2]").replace("0.5", "0.6"))
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "-weft_sparsity was 0.5 and is 0.6); take another folder" in done.stderr


def test_points_that_are_left_out_are_a_note(sweep: Sweep, stub: Stub) -> None:
    sweep.run(GRID % "[1, 2]")
    done = sweep.run(GRID % "[2]")
    assert done.returncode == 0
    assert "1 points of before are not in this grid; their folders stay" in done.stderr


def test_a_million_points_are_refused_at_once(sweep: Sweep, stub: Stub) -> None:
    begun = time.monotonic()
    done = sweep.run("learn: {weft_sparsity: {linear: [0, 1], points: 1000000}}")
    assert done.returncode == 2 and time.monotonic() - begun < 10
    words = "1000000 points (weft_sparsity 1000000), more than 1000; if they are meant: --most"
    assert words in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "words, expected",
    [
        (["--parallel", "0"], "'0' is not a whole number of 1 or more"),
        (["--most", "1e3"], "'1e3' is not a whole number of 1 or more"),
        (["--mots", "3"], "unrecognized arguments: --mots 3"),
        (["-data", "none.h5"], "-data none.h5: no such file; weft import makes one"),
    ],
)
def test_mistakes_in_the_command_are_one_line(
    sweep: Sweep, stub: Stub, words: list[str], expected: str
) -> None:
    done = sweep.run(GRID % "[1]", *words)
    assert done.returncode == 2 and expected in done.stderr and done.stderr.count("\n") == 1
    assert not sweep.written()


@pytest.mark.parametrize("missing", ["g.yaml", "-data", "-o"])
def test_what_is_needed_is_named(sweep: Sweep, stub: Stub, missing: str) -> None:
    words = sweep.command(GRID % "[1]")
    at = next(i for i, word in enumerate(words) if word.endswith(missing))
    del words[at : at + (1 if missing == "g.yaml" else 2)]
    done = call(words)
    assert done.returncode == 2 and "is needed" in done.stderr and done.stderr.count("\n") == 1


def test_a_program_that_tells_no_options_is_one_line(
    sweep: Sweep, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = {"/bin/false": "tells no options (status 1", "/none": "cannot be run here"}
    for program, words in programs.items():
        monkeypatch.setenv("WEFT", program)
        done = sweep.run(GRID % "[1]")
        assert done.returncode == 2 and words in done.stderr and done.stderr.count("\n") == 1


def test_status_tells_how_far_it_is(sweep: Sweep, stub: Stub) -> None:
    sweep.run(GRID % "[1, 14]")
    command = [sys.executable, "-m", "weftsweep", "--status", str(sweep.folder / "out")]
    done = call(command)
    assert done.returncode == 0
    assert done.stdout.startswith("done     1\nfailed   1\nfailed: iterations=14: ")


def test_a_runner_that_is_killed_is_a_failed_point(sweep: Sweep, stub: Stub) -> None:
    text = stub.program.read_text(encoding="utf-8")
    kills = text.replace('print("noise")', "os.kill(os.getppid(), 9)")
    stub.program.write_text(kills, encoding="utf-8")
    done = sweep.run(GRID % "[9]")
    assert done.returncode == 1
    assert "failed: iterations=9: learn: its runner was killed" in done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_an_interrupt_lets_points_stop_and_again_goes_on(
    sweep: Sweep, stub: Stub, number: int
) -> None:
    text = stub.program.read_text(encoding="utf-8")
    slow = text.replace('print("noise")', WAIT).replace("import json,", "import signal, time,")
    slow = slow.replace("time, os,", "time, json, os,")
    stub.program.write_text(slow, encoding="utf-8")
    command = sweep.command(GRID % "[1, 2, 3]", "--parallel", "2")
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        while len(list(sweep.folder.glob("out/points/*/begun"))) < 2:
            assert process.poll() is None
            time.sleep(0.02)
        manifest = (sweep.folder / "out/sweep.json").read_text(encoding="utf-8")
        other = sweep.run(GRID % "[3, 2, 1]")
        assert other.returncode == 2 and "another ./jobs/sweep.sh runs these points" in other.stderr
        assert (sweep.folder / "out/sweep.json").read_text(encoding="utf-8") == manifest
        process.send_signal(number)
        said = process.communicate(timeout=20)[0].decode()
        assert process.returncode == 75, said
    assert "stopped  2" in said and "missing  1" in said and "run it again" in said
    stub.program.write_text(text, encoding="utf-8")
    assert sweep.run(GRID % "[1, 2, 3]").returncode == 0


def test_the_table_is_made_at_the_end(
    sweep: Sweep, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, out = sweep.run(GRID % "[1]"), sweep.folder / "out"
    assert f"weftpost sweep {out}\n" in done.stdout and f"weftpost report {out}\n" in done.stdout
    monkeypatch.setenv("STUB_POST", "2")
    done = sweep.run(GRID % "[1]")
    assert done.returncode == 1 and "weftpost report" in done.stdout and "done     1" in done.stdout


def test_points_that_did_not_start_are_told(sweep: Sweep, stub: Stub) -> None:
    points = sweep.folder / "out/points"
    points.mkdir(parents=True)
    (points / "iterations=1").touch()
    done = sweep.run(GRID % "[1, 2]")
    assert done.returncode == 1 and "missing  1" in done.stdout
    assert f"why points did not start: {sweep.folder / 'out/log.txt'}" in done.stdout
    assert "iterations=1" in (sweep.folder / "out/log.txt").read_text(encoding="utf-8")


def test_an_interrupted_check_is_one_line(sweep: Sweep, stub: Stub) -> None:
    text = stub.program.read_text(encoding="utf-8")
    begun = sweep.folder / "begun"
    slow = f"open({str(begun)!r}, 'w').close()\nimport time; time.sleep(3)\nwith open(os.environ"
    stub.program.write_text(text.replace("with open(os.environ", slow, 1), encoding="utf-8")
    command = sweep.command(GRID % "[1]")
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        while not begun.exists():
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=20)[1].decode()
    assert process.returncode == 75 and said == "\nsweep: interrupted; run it again\n"
    assert not sweep.written()


def test_data_written_anew_are_a_note(sweep: Sweep, stub: Stub) -> None:
    assert "note" not in sweep.run(GRID % "[1, 2]").stderr
    later = time.time() + 60
    os.utime(sweep.folder / "d.h5", (later, later))
    done = sweep.run(GRID % "[1, 2, 3]")
    assert done.returncode == 0
    assert "d.h5: newer than 2 points that are done; if other data: take" in done.stderr


def test_names_that_are_no_text_are_one_line(sweep: Sweep, stub: Stub) -> None:
    (sweep.folder / "d\udcff.h5").touch()
    done = sweep.run(GRID % "[1]", "-data", str(sweep.folder / "d\udcff.h5"))
    assert done.returncode == 2 and "not a name in UTF-8" in done.stderr
    assert done.stderr.count("\n") == 1 and not sweep.written()
