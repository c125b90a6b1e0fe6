"""Constraints: comparisons over option names. Python's grammar, and next to nothing of Python."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from .errors import SweepError, one_line
from .numerals import number

Value = Fraction | str
MOST_LETTERS = 1000
TOO_DEEP = "nested too deep; split it into several"
WORDS = "numbers, 'words', option names, < <= > >= == !=, + - * / // %, and or not, min, max"

ARITHMETIC: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
FUNCTIONS: dict[str, Callable[[list[Fraction]], Fraction]] = {"min": min, "max": max}


@dataclass(frozen=True)
class Condition:
    text: str
    tree: ast.expr
    names: tuple[str, ...]

    def holds(self, values: Mapping[str, str]) -> bool:
        """`values`: the text of every option that is named."""
        try:
            return _true(self.tree, values)
        except ZeroDivisionError:
            raise SweepError(f"where: {self.text}: divides by 0 at {self._at(values)}") from None
        except TypeError:
            wrong = f"a number and a word meet at {self._at(values)}"
            raise SweepError(f"where: {self.text}: {wrong}") from None
        except RecursionError:
            raise SweepError(f"where: {self.text}: {TOO_DEEP}") from None

    def _at(self, values: Mapping[str, str]) -> str:
        return ", ".join(f"{name}={one_line(values[name])}" for name in self.names) or "any point"


def parse(text: str) -> Condition:
    shown = one_line(text.strip())
    if len(text) > MOST_LETTERS:
        raise SweepError(f"where: longer than {MOST_LETTERS} letters; split it into several")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise SweepError(f"where: {shown}: not an expression; write, say, a / b >= 2") from None
    names: dict[str, None] = {}
    try:
        wrong = _condition(tree, names)
    except RecursionError:
        wrong = TOO_DEEP
    if wrong:
        raise SweepError(f"where: {shown}: {wrong}")
    return Condition(shown, tree, tuple(names))


def _condition(node: ast.expr, names: dict[str, None]) -> str | None:
    """What is wrong with it as something true or false."""
    if isinstance(node, ast.BoolOp):
        return _first(_condition(part, names) for part in node.values)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return _condition(node.operand, names)
    if not isinstance(node, ast.Compare):
        return f"'{ast.unparse(node)}' is neither true nor false; compare it with something"
    if any(type(op) not in COMPARE for op in node.ops):
        return f"'{ast.unparse(node)}' is not understood; there are {WORDS}"
    return _first(_value(part, names) for part in (node.left, *node.comparators))


def _value(node: ast.expr, names: dict[str, None]) -> str | None:
    """What is wrong with it as a number or word."""
    name = _name(node)
    if name:
        names[name] = None
        return None
    if isinstance(node, ast.Constant) and type(node.value) in (int, float, str):
        return None if _constant(node) is not None else f"'{node.value}' is too long a number"
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        return _value(node.operand, names)
    if isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
        return _first(_value(part, names) for part in (node.left, node.right))
    called = isinstance(node, ast.Call) and node.args and not node.keywords
    if isinstance(node, ast.Call) and called and _name(node.func) in FUNCTIONS:
        return _first(_value(part, names) for part in node.args)
    return f"'{ast.unparse(node)}' is not understood; there are {WORDS}"


def _first(found: Any) -> str | None:
    return next((wrong for wrong in list(found) if wrong), None)


def _name(node: ast.expr) -> str | None:
    """An option, or train.option."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return None


def _constant(node: ast.Constant) -> Value | None:
    return node.value if isinstance(node.value, str) else number(repr(node.value))


def _true(node: ast.expr, values: Mapping[str, str]) -> bool:
    if isinstance(node, ast.BoolOp):
        join = all if isinstance(node.op, ast.And) else any
        return join(_true(part, values) for part in node.values)
    if isinstance(node, ast.UnaryOp):
        return not _true(node.operand, values)
    assert isinstance(node, ast.Compare)
    sides = [_evaluate(part, values) for part in (node.left, *node.comparators)]
    pairs = zip(node.ops, sides, sides[1:])
    return all(_compare(COMPARE[type(op)], left, right) for op, left, right in pairs)


def _compare(compare: Callable[[Any, Any], bool], left: Value, right: Value) -> bool:
    if isinstance(left, str) != isinstance(right, str):
        raise TypeError
    return compare(left, right)


def _evaluate(node: ast.expr, values: Mapping[str, str]) -> Value:
    name = _name(node)
    if name:
        value = number(values[name])
        return values[name] if value is None else value
    if isinstance(node, ast.Constant):
        constant = _constant(node)
        assert constant is not None
        return constant
    if isinstance(node, ast.Call):
        function = FUNCTIONS[_name(node.func) or ""]
        return function([_number(part, values) for part in node.args])
    if isinstance(node, ast.UnaryOp):
        operand = _number(node.operand, values)
        return -operand if isinstance(node.op, ast.USub) else operand
    assert isinstance(node, ast.BinOp)
    return ARITHMETIC[type(node.op)](_number(node.left, values), _number(node.right, values))


def _number(node: ast.expr, values: Mapping[str, str]) -> Fraction:
    value = _evaluate(node, values)
    if isinstance(value, str):
        raise TypeError
    return value
