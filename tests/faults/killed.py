"""What a kill left, and what the next start made of it.

killed.py STATUS SIGNAL WHO before.h5 after.h5 end.h5 whole.h5 FIRST.out SECOND.out

STATUS: how the run ended that was struck by SIGNAL, sent to WHO of it: one, all or launcher. before.h5: the checkpoint
just before, after.h5: what was there when all had ended, neither need be there; end.h5: what the next start wrote, whole.h5:
the run that was never struck. Prints a line for each thing that is wrong (status 1); else what after.h5 was: "none",
"checkpoint", "checkpoint learned" (it holds a layer that is learned, and the state of the next) or "complete".
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import h5py
import numpy as np

END = 10**9


class Run:
    """Of a run or network file: how far it is, and what it recorded on the way; all of it is read."""

    def __init__(self, path: str) -> None:
        self.result: dict[str, np.ndarray] = {}
        self.seconds: dict[str, np.ndarray] = {}
        with h5py.File(path) as file:
            file.visititems(lambda _, item: item[()] if isinstance(item, h5py.Dataset) else None)
            self.complete = bool(file.attrs["complete"])
            history = file["history"]
            self.learn = "train_loss" not in history
            for name, group in history.items() if self.learn else [("0", history)]:
                self.result[name] = group["objective" if self.learn else "train_loss"][:]
                self.seconds[name] = group["seconds"][:]
            steps = {name: len(values) for name, values in self.result.items()}
            self.done, self.learned = END, 0  # batches of the layer or steps, and layers that are finished
            if self.learn and not self.complete:
                self.done, self.learned = (int(file["state"].attrs[name]) for name in ("iteration", "layer"))
                assert steps.get(str(self.learned), 0) == self.done, f"{path}: {self.done} batches, but {steps}"
            elif not self.complete:
                self.done = int(file["state/step"][0])
            self.position = END if self.complete else sum(steps.values()) if self.learn else self.done


def loaded(path: str) -> Run | None:
    return Run(path) if Path(path).exists() else None


def wrong_status(status: int, signal: str, who: str, before: Run | None, after: Run | None) -> str:
    """75 where a signal asks ranks that are at work to stop. mpiexec hands USR1 on; at TERM it ends the ranks itself."""
    there = after is not None
    if status == 0:
        return "" if there and after.complete else "status 0, and not complete"
    if status == 75:
        asked = signal in ("TERM", "USR1") and there and not after.complete
        return "" if asked else f"status 75, {'not a checkpoint' if there else 'and no checkpoint'}"
    if signal == "USR1" and before or signal == "TERM" and before and who != "launcher":
        return f"status {status}, not 75"
    if signal == "TERM" and before and status != 1:
        return f"status {status} of the launcher, not 1"
    return ""


def told(status: int, after: Run, first: str) -> str:
    """Where the first run says that it stopped is where its checkpoint stands."""
    if status != 75:
        return ""
    found = re.search(r"^stopped after (\d+) of \d+ (?:batches of layer (\d+)|steps); checkpoint in ", first, re.MULTILINE)
    if not found:
        return "status 75, and no word about resuming"
    said = int(found[1]), int(found[2] or 0)
    return "" if said == (after.done, after.learned) else f"says {said}, and stands at {after.done, after.learned}"


def went_on(after: Run, end: Run, second: str) -> str:
    """The next run begins with what the other recorded: its times are those of no other run."""
    if after.complete != ("is complete: nothing to resume" in second):
        return f"complete {after.complete}, and the next start says: {second}"
    for name, then in after.seconds.items():
        now = end.seconds.get(name, then[:0])[: len(then)]
        if now.tobytes() != then.tobytes():
            return f"did not go on from there: of layer {name}, times {[*then]} before, {[*now]} now"
    return ""


def another_result(end: Run, whole: Run) -> str:
    """To the accuracy that another order of sums leaves."""
    if not end.complete:
        return "the next start did not finish"
    if end.result.keys() != whole.result.keys():
        return f"layers {[*end.result]}, not {[*whole.result]}"
    for name, a in end.result.items():
        b = whole.result[name]
        if a.shape != b.shape or not np.allclose(a, b, rtol=1e-10, atol=0):
            return f"another result of {name}: {[*a]} {[*b]}"
    return ""


def main() -> None:
    status, signal, who, *names, first, second = sys.argv[1:]
    before, after, end, whole = (loaded(name) for name in names)
    assert end and whole, "no result"
    findings = [wrong_status(int(status), signal, who, before, after), another_result(end, whole)]
    if before and not after:
        findings.append(f"a checkpoint stood at {before.position}, and there is none")
    if before and after and after.position < before.position:
        findings.append(f"a checkpoint stood at {before.position}, and now at {after.position}")
    if after:
        findings += [told(int(status), after, Path(first).read_text()), went_on(after, end, Path(second).read_text())]
    if any(findings):
        sys.exit("; ".join(filter(None, findings)))
    print("none" if not after else "complete" if after.complete else "checkpoint" + " learned" * (after.learned > 0))


if __name__ == "__main__":
    main()
