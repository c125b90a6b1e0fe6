from __future__ import annotations

import pytest
from weftsweep.errors import SweepError
from weftsweep.numerals import number, written
from weftsweep.ranges import choices, make_range


def values(node: dict[str, object], whole: bool = False) -> list[str]:
    return make_range("weft_x", node, False, whole).values()


def test_linear_values_are_the_ones_that_are_meant() -> None:
    assert values({"linear": ["0.1", "0.5"], "points": "5"}) == ["0.1", "0.2", "0.3", "0.4", "0.5"]
    assert values({"linear": ["0", "1"], "points": "4"}) == ["0", "0.333333", "0.666667", "1"]
    assert values({"linear": ["-1", "1"], "points": "3"}) == ["-1", "0", "1"]


def test_log_values_have_equal_ratios_and_keep_their_ends() -> None:
    assert values({"log": ["1e-3", "1e-1"], "points": "3"}) == ["1e-3", "0.01", "1e-1"]
    assert values({"log": ["0.05", "0.20"], "points": "3"}) == ["0.05", "0.1", "0.20"]


def test_one_point_is_the_lower_end() -> None:
    assert values({"log": ["2", "8"], "points": "1"}) == ["2"]


def test_whole_numbers_are_rounded_and_said_once() -> None:
    assert values({"linear": ["1", "3"], "points": "5"}, whole=True) == ["1", "2", "3"]
    log = {"log": ["64", "1024"], "points": "5"}
    assert values(log, whole=True) == ["64", "128", "256", "512", "1024"]
    assert values({"linear": ["1000001", "1000003"], "points": "3"}, whole=True)[1] == "1000002"


def test_an_end_with_a_point_says_that_no_whole_numbers_are_meant() -> None:
    assert values({"linear": ["1.5", "3"], "points": "2"}, whole=True) == ["1.5", "3"]
    assert values({"linear": ["1", "2"], "points": "3"}, whole=False) == ["1", "1.5", "2"]


def test_random_draws_stay_between_the_ends() -> None:
    uniform = make_range("weft_x", {"uniform": ["2", "4"]}, True, False)
    assert [uniform.draw(at) for at in (0.0, 0.25, 0.5)] == ["2", "2.5", "3"]
    log = make_range("weft_x", {"log": ["0.01", "1"]}, True, False)
    assert log.draw(0.5) == "0.1"
    points = make_range("weft_x", {"linear": ["0", "1"], "points": "3"}, True, False)
    assert [points.draw(at) for at in (0.0, 0.34, 0.99)] == ["0", "0.5", "1"]
    atoms = make_range("weft_x", {"uniform": ["1", "10"]}, True, True)
    assert atoms.draw(0.5) == "6"
    many = make_range("weft_x", {"linear": ["0", "1"], "points": "1" + "0" * 17}, True, False)
    assert many.draw(0.5) == "0.5", "all the others were made, too"


@pytest.mark.parametrize(
    "node, words",
    [
        ({"linear": ["2", "1"], "points": "3"}, "linear [2, 1] is empty"),
        ({"linear": ["1", "1"], "points": "3"}, "linear [1, 1] is one value; write that"),
        ({"log": ["0", "1"], "points": "3"}, "both ends must be above 0"),
        ({"log": ["-1", "1"], "points": "3"}, "both ends must be above 0"),
        ({"linear": ["1", "2"], "points": "0"}, "points must be a whole number of 1 or more"),
        ({"linear": ["1", "2"], "points": "-3"}, "points must be a whole number of 1 or more"),
        ({"linear": ["1", "2"], "points": "2.5"}, "points must be a whole number of 1 or more"),
        ({"linear": ["1", "2"], "points": "1" + 18 * "0"}, "points is too large a number"),
        ({"linear": ["1", "2"]}, "points must be a whole number of 1 or more"),
        ({"log": ["1", "2"]}, "points must be a whole number of 1 or more"),
        ({"linear": ["1", "two"], "points": "3"}, "two numbers are wanted"),
        ({"linear": ["1"], "points": "3"}, "two numbers are wanted"),
        ({"linear": ["1", ["2"]], "points": "3"}, "two numbers are wanted"),
        ({"linear": "1", "points": "3"}, "two numbers are wanted"),
        ({"linear": ["1", "1e999999999"], "points": "3"}, "two numbers are wanted"),
        ({"linear": ["1", "nan"], "points": "3"}, "two numbers are wanted"),
        ({"lin": ["1", "2"], "points": "3"}, "lin is not known in a range"),
        ({"linear": ["1", "2"], "steps": "3"}, "steps is not known in a range"),
        ({"linear": ["1", "2"], "log": ["1", "2"], "points": "3"}, "not one range"),
        ({}, "not one range"),
        ({"uniform": ["1", "2"]}, "uniform is for random draws"),
        ({"uniform": ["1", "2"], "points": "3"}, "uniform has no points"),
    ],
)
def test_a_bad_range_is_one_line(node: dict[str, object], words: str) -> None:
    with pytest.raises(SweepError) as caught:
        make_range("weft_x", node, False, False)
    assert words in str(caught.value) and str(caught.value).startswith("weft_x: ")
    assert "\n" not in str(caught.value)


def test_a_linear_range_without_points_says_what_random_draws_have() -> None:
    with pytest.raises(SweepError, match="uniform draws anywhere"):
        make_range("weft_x", {"linear": ["1", "2"]}, True, False)


@pytest.mark.parametrize(
    "texts, words", [([], "the list is empty"), (["0.3", "0.30"], "0.30 stands twice")]
)
def test_a_bad_list_is_one_line(texts: list[str], words: str) -> None:
    with pytest.raises(SweepError, match=words):
        choices("weft_x", texts)


def test_numbers_are_what_weft_takes_for_numbers() -> None:
    assert number("1e-3") == number("0.001") and number("-2.") == -2
    assert number(".5") == number("0.5") == number("+5e-1")
    for text in ("", "1_000", "0x10", "inf", "nan", "1e", "e3", "1 ", "¼", "１"):
        assert number(text) is None, text


def test_made_numbers_are_short() -> None:
    assert [written(x) for x in (0.1 + 0.2, 1e-7, 123456.7)] == ["0.3", "1e-07", "123457"]
