#!/usr/bin/env python3
"""Runs weft learn or weft train for a long time, and watches that what a rank holds stays as it is.

    tests/faults/soak.py learn|train --seconds 7200 [--ranks 2] [--data F.h5] [--options "-weft_atoms 256"]

Every second the resident memory, open files and threads of each rank are read from /proc (Linux); the run writes a
checkpoint every other second, so that opening and closing files is part of the loop. The first tenth of the time is for
warming up. Status 1 where the median memory of a rank in the last tenth differs from that of the second by more than 2 %,
where the fewest files or threads of a moment do (a checkpoint opens some for a while), or where the run does not end as it
should when it is told to. WEFT and MPIEXEC say which
program and mpiexec.
"""

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py

SOURCE = Path(__file__).resolve().parents[2]
WEFT = Path(os.environ.get("WEFT", SOURCE / "build/weft")).resolve()
BOUND = 0.02
STOPPED = 75  # a checkpoint was written, and the run can go on
FOREVER = {
    "learn": "-weft_layers 1 -weft_iterations 100000000",
    "train": "-weft_train_epochs 1000000 -weft_train_schedule constant -weft_train_rate 0.001",
}


class Sample:
    """What one rank holds at one moment."""

    def __init__(self, pid):
        fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        self.bytes = 1024 * int(fields["VmRSS"].split()[0])
        self.threads = int(fields["Threads"])
        self.files = len(os.listdir(f"/proc/{pid}/fd"))


def weft(*words, **options):
    subprocess.run([WEFT, *words], check=True, stdout=subprocess.DEVNULL, **options)


def inputs(verb, data):
    """The words that name the inputs of the run; what is not there is made."""
    if data is None:
        data = "data.h5"
        weft("synth", "-o", data, "-samples", "20000", "-test_samples", "1000", "-size", "28")
    if verb == "learn":
        return ["-data", data]
    weft("learn", "-data", data, "-o", "structure.h5", "-weft_layers", "1", "-weft_atoms", "256", "-weft_iterations", "20")
    return ["-data", data, "-structure", "structure.h5"]


def ranks_below(launcher):
    """The processes of the program that the launcher started, however deep."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and descends(int(entry.name), launcher):
            try:
                if Path(os.readlink(entry / "exe")) == WEFT:
                    found.append(int(entry.name))
            except OSError:
                pass
    return sorted(found)


def descends(pid, ancestor):
    while pid > 1 and pid != ancestor:
        try:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            return False
    return pid == ancestor


def watch(run, seconds, ranks):
    """The samples of each rank, one a second, while the run goes on."""
    deadline = time.monotonic() + seconds
    pids = []
    while len(pids) < ranks and run.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
        pids = ranks_below(run.pid)
    samples = {pid: [] for pid in pids}
    try:
        while run.poll() is None and time.monotonic() < deadline:
            for pid in pids:
                samples[pid].append(Sample(pid))
            time.sleep(1)
    except (OSError, KeyError):
        run.wait()  # a rank has ended before its time
    return samples


def window(samples, first, last, what):
    """The values of the samples between two fractions of the time."""
    return [getattr(sample, what) for sample in samples[int(first * len(samples)) : int(last * len(samples))]]


def judge(rank, samples):
    """Prints the row of a rank; whether all of it is flat."""
    early, late = (statistics.median(window(samples, *part, "bytes")) for part in ((0.1, 0.2), (0.9, 1)))
    growth = late / early - 1
    handles = {
        what: [min(window(samples, *part, what)) for part in ((0.1, 0.2), (0.9, 1))] for what in ("files", "threads")
    }
    print(f"{rank:4d} {early / 1e6:10.1f} {late / 1e6:10.1f} {100 * growth:+9.2f}", end="")
    for before, after in handles.values():
        print(f" {before:6d} {after:6d}", end="")
    print()
    return abs(growth) <= BOUND and all(before == after for before, after in handles.values())


def batches(verb, path):
    """Batches, or epochs of them, that the run went through."""
    with h5py.File(path) as file:
        return len(file["history/0/objective"]) if verb == "learn" else len(file["history/train_loss"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=FOREVER)
    parser.add_argument("--seconds", type=int, default=7200)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--data", type=os.path.abspath, help="data file [images that weft synth makes]")
    parser.add_argument("--options", default="", help="more options of the verb")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        command = [os.environ.get("MPIEXEC", "mpiexec"), "-n", str(asked.ranks), WEFT, asked.verb]
        command += [*inputs(asked.verb, asked.data), "-o", "run.h5", "-weft_checkpoint_every", "2"]
        command += [*FOREVER[asked.verb].split(), *asked.options.split()]
        with open("out", "w") as out:
            run = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
            samples = watch(run, asked.seconds, asked.ranks)
            ended = run.poll()
            for pid in samples if ended is None else []:
                os.kill(pid, signal.SIGUSR1)
            status = run.wait()
        if ended is not None or status != STOPPED or not all(len(some) >= 20 for some in samples.values()):
            tail = Path("out").read_text()[-2000:]
            sys.exit(f"{tail}\nended with status {status}{' before its time' if ended is not None else ''}")
        count = batches(asked.verb, "run.h5")
        print(f"weft {asked.verb}, {asked.ranks} ranks, {asked.seconds} s, {count} {'batches' if asked.verb == 'learn' else 'epochs'}")
        print("rank  MB early    MB late  growth %  files: early, late  threads: early, late")
        flat = [judge(rank, samples[pid]) for rank, pid in enumerate(samples)]
    sys.exit(0 if all(flat) else "what a rank holds is not flat")


if __name__ == "__main__":
    main()
