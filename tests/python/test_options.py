"""What the driver takes for whole numbers is what the program reads as such."""

from __future__ import annotations

import os
import re

import pytest
from conftest import SOURCE
from weftsweep.options import Known, read_verb

READ = re.compile(r'(WeftOptionsGetInt|WeftOptionsGetReal|Real)\(\s*(?:\w+,\s*)?"-(\w+)"')
ROUNDED_ALL_THE_SAME = {"weft_checkpoint_every", "weft_train_step_epochs"}  # seconds, epochs


def read_as(kind: str) -> set[str]:
    paths = (path for path in (SOURCE / "src").rglob("*.c") if path.parent.name != "bench")
    texts = (path.read_text(encoding="utf-8") for path in paths)
    return {name for text in texts for how, name in READ.findall(text) if kind in how}


@pytest.fixture(scope="module")
def known() -> dict[str, Known]:
    weft = os.environ.get("WEFT", str(SOURCE / "build/weft"))
    if not os.access(weft, os.X_OK):
        pytest.skip(f"no program {weft}")
    return {**read_verb(weft, "train").options, **read_verb(weft, "learn").options}


def test_whole_numbers_are_known_as_such(known: dict[str, Known]) -> None:
    whole = {name for name in read_as("Int") if name in known}
    assert len(whole) > 15
    assert {name for name in whole if not known[name].whole} == set()


def test_other_numbers_are_not_rounded(known: dict[str, Known]) -> None:
    reals = {name for name in read_as("Real") if name in known}
    assert len(reals) > 15
    assert {name for name in reals if known[name].whole} <= ROUNDED_ALL_THE_SAME


def test_the_program_can_check(known: dict[str, Known]) -> None:
    assert "check" in known and known["weft_atoms"].per_layer and not known["seed"].per_layer
