from __future__ import annotations

import pytest
from weftsweep.errors import SweepError
from weftsweep.where import parse

POINT = {"weft_atoms": "256", "weft_group_size": "4", "weft_sparsity": "1e-1"}
POINT |= {"weft_start": "dense", "train.seed": "3"}


@pytest.mark.parametrize(
    "text, expected",
    [
        ("weft_atoms / weft_group_size >= 64", True),
        ("weft_atoms / weft_group_size > 64", False),
        ("weft_atoms % weft_group_size == 0 and not weft_atoms // 100 == 3", True),
        ("weft_sparsity * 3 == 0.3", True),  # exact: binary fractions would say no
        ("weft_sparsity == 1e-1", True),
        ("weft_start == 'dense' or weft_atoms < 0", True),
        ("weft_start != 'dense'", False),
        ("min(weft_atoms, 10) == 10", True),
        ("max(weft_atoms, 10, 1000) == 1000", True),
        ("-weft_atoms + 300 - 44 == 0", True),
        ("1 < weft_group_size < 4", False),
        ("1 < weft_group_size <= 4", True),
        ("train.seed == 3", True),
    ],
)
def test_conditions_hold_or_do_not(text: str, expected: bool) -> None:
    assert parse(text).holds(POINT) is expected


def test_names_are_told_in_turn() -> None:
    assert parse("train.seed < weft_atoms and weft_atoms > 1").names == ("train.seed", "weft_atoms")


@pytest.mark.parametrize(
    "text, words",
    [
        ("weft_atoms >=", "not an expression"),
        ("", "not an expression"),
        ("a = 3", "not an expression"),
        ("import os", "not an expression"),
        ("weft_atoms / 4", "is neither true nor false"),
        ("weft_atoms", "is neither true nor false"),
        ("True", "is neither true nor false"),
        ("weft_atoms > 3 and 1", "is neither true nor false"),
        ("__import__('os').system('true') == 0", "is not understood"),
        ("open('x') == 0", "is not understood"),
        ("weft_atoms ** 9 > 1", "is not understood"),
        ("weft_atoms << 9 > 1", "is not understood"),
        ("weft_start in 'dense'", "is not understood"),
        ("weft_atoms is 3", "is not understood"),
        ("weft_atoms[0] == 1", "is not understood"),
        ("(lambda: 1)() == 1", "is not understood"),
        ("[x for x in 'ab'] == 1", "is not understood"),
        ("f'{weft_atoms}' == '1'", "is not understood"),
        ("(weft_atoms if 1 else 2) == 1", "is not understood"),
        ("min() == 1", "is not understood"),
        ("min(1, 2, key=weft_atoms) == 1", "is not understood"),
        ("max(*weft_atoms) == 1", "is not understood"),
        ("a.b.c == 1", "is not understood"),
        ("weft_atoms == 1j", "is not understood"),
        ("weft_atoms == True", "is not understood"),
        ("weft_atoms == b'x'", "is not understood"),
        ("weft_atoms == " + "9" * 60, "too long a number"),
        ("weft_atoms == 1e400", "too long a number"),
        ("1 < " * 400 + "2", "longer than 1000 letters"),
    ],
)
def test_what_is_no_condition_is_one_line(text: str, words: str) -> None:
    with pytest.raises(SweepError) as caught:
        parse(text)
    assert words in str(caught.value) and str(caught.value).startswith("where: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text, words",
    [
        ("weft_atoms / (weft_group_size - 4) > 1", "divides by 0 at weft_atoms=256, weft_"),
        ("weft_atoms % 0 > 1", "divides by 0"),
        ("weft_start > 3", "a number and a word meet at weft_start=dense"),
        ("weft_atoms == 'dense'", "a number and a word meet"),
        ("weft_start * 1000000 == 'x'", "a number and a word meet"),
        ("min(weft_start, 'a') == 'x'", "a number and a word meet"),
        ("-" * 600 + "1 < weft_atoms", "nested too deep"),
        ("-" * 900 + "1 < weft_atoms", "nested too deep"),
    ],
)
def test_what_cannot_be_told_at_a_point_is_one_line(text: str, words: str) -> None:
    with pytest.raises(SweepError) as caught:
        parse(text).holds(POINT)
    assert words in str(caught.value)
