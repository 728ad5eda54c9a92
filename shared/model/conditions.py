"""Conditions of workflows, branches and audiences: JSON that is checked when it is written and asked of values.

A condition is an object. Each member is a path and what must hold of the value there, or `all`, `any` or `not`;
all of its members must hold: `{"data.total": {"gte": 100}, "profile.locale": ["de", "en"]}`. What stands at a path is
compared with a value (equal), with a list (one of it) or with operators. A value that is missing satisfies `exists:
false`, `ne` and `nin` alone; values of different types are neither equal nor ordered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec

from shared.model.errors import InvalidWorkflow
from shared.model.strict_json import escape

Condition = dict[str, object]
"""As it was checked by `check_condition`."""
Lookup = Callable[[str], object]
"""What stands at a path; UNSET where nothing does."""
PATH: Final = re.compile(r"[a-z]+(\.[^.\s\[\]]+)*")
"""No entry of a list can be named: `data.items[0]` would never be found."""
MAX_DEPTH: Final = 8
MAX_CLAUSES: Final = 100
GROUPS: Final = ("all", "any", "not")
ORDERED: Final[dict[str, Callable[[float, float], bool]]] = {
    "gt": lambda found, given: found > given,
    "gte": lambda found, given: found >= given,
    "lt": lambda found, given: found < given,
    "lte": lambda found, given: found <= given,
}
OPERATORS: Final = ("eq", "ne", *ORDERED, "in", "nin", "contains", "starts_with", "exists")
_SCALARS: Final = (str, int, float, bool, type(None))
_NUMBER: Final = re.compile(r"[-+]?(\d[\d_]*\.?\d*|\.\d+)(e[-+]?\d+)?", re.ASCII | re.IGNORECASE)
"""Texts by which somebody means a number: YAML takes 1e3, 1_000 and .5 for texts, and no number is ordered with one."""


def check_condition(condition: object, pointer: str, roots: Iterable[str]) -> None:
    """Raises InvalidWorkflow with a pointer below `pointer`; paths begin with one of `roots`."""
    _check(condition, pointer, tuple(roots), MAX_DEPTH)
    if (clauses := _count(condition)) > MAX_CLAUSES:
        raise InvalidWorkflow("invalid_condition", f"{clauses} clauses; at most {MAX_CLAUSES}", pointer)


def holds(condition: Mapping[str, object], lookup: Lookup) -> bool:
    """Whether the condition holds of what `lookup` finds."""
    return failing(condition, lookup) is None


def failing(condition: Mapping[str, object], lookup: Lookup) -> str | None:
    """The first clause that does not hold, as a path or a group, for `why`; None: all hold. Never a value."""
    for name, wanted in condition.items():
        if name == "all" and isinstance(wanted, list):
            for each in wanted:
                if (found := failing(each, lookup)) is not None:
                    return found
        elif name == "any" and isinstance(wanted, list):
            if not any(holds(each, lookup) for each in wanted):
                return "any"
        elif name == "not" and isinstance(wanted, dict):
            if holds(wanted, lookup):
                return "not"
        elif not _clause(wanted, lookup(name)):
            return name
    return None


def paths(condition: object) -> Iterable[str]:
    """Every path that a checked condition asks about."""
    return (path for path, _ in clauses(condition))


def clauses(condition: object) -> Iterable[tuple[str, object]]:
    """The same, each with what must hold of what stands there."""
    if isinstance(condition, dict):
        for name, wanted in condition.items():
            if name in GROUPS:
                for each in wanted if isinstance(wanted, list) else [wanted]:
                    yield from clauses(each)
            else:
                yield name, wanted


def _check(condition: object, pointer: str, roots: tuple[str, ...], depth: int) -> None:
    if not isinstance(condition, dict) or not condition or not depth:
        detail = "a condition is an object of paths and what must hold of them, as {data.total: {gte: 100}}"
        raise InvalidWorkflow("invalid_condition", detail if depth else "it is nested too deep", pointer)
    for name, wanted in condition.items():
        here = f"{pointer}/{escape(str(name))}"
        if name in ("all", "any"):
            if not isinstance(wanted, list) or not wanted:
                raise InvalidWorkflow("invalid_condition", f"{name} takes a list of conditions", here)
            for position, each in enumerate(wanted):
                _check(each, f"{here}/{position}", roots, depth - 1)
        elif name == "not":
            _check(wanted, here, roots, depth - 1)
        else:
            if not isinstance(name, str) or not PATH.fullmatch(name) or name.partition(".")[0] not in roots:
                detail = (
                    f"{str(name)[:60]!r} is no path: begin with {', '.join(roots)}, as {roots[0]}.total, and no [ ]"
                )
                raise InvalidWorkflow("invalid_condition", detail, here)
            _check_clause(wanted, here)


def _check_clause(wanted: object, pointer: str) -> None:
    if isinstance(wanted, _SCALARS):
        return
    if isinstance(wanted, list):
        _check_operand("in", wanted, pointer)
    elif isinstance(wanted, dict) and wanted:
        for operator, operand in wanted.items():
            if operator not in OPERATORS:
                detail = f"{str(operator)[:40]!r} is no operator: one of {', '.join(OPERATORS)}"
                raise InvalidWorkflow("invalid_condition", detail, f"{pointer}/{operator}")
            _check_operand(operator, operand, f"{pointer}/{operator}")
    else:
        detail = "a value, a list of values, or an object of operators, as {gte: 100}"
        raise InvalidWorkflow("invalid_condition", detail, pointer)


def _check_operand(operator: str, operand: object, pointer: str) -> None:
    if operator in ORDERED:
        good = isinstance(operand, int | float | str) and not isinstance(operand, bool)
    elif operator in ("in", "nin"):
        good = isinstance(operand, list) and bool(operand) and all(isinstance(each, _SCALARS) for each in operand)
    elif operator == "exists":
        good = isinstance(operand, bool)
    elif operator == "starts_with":
        good = isinstance(operand, str) and bool(operand)
    else:
        good = isinstance(operand, _SCALARS)
    if not good:
        raise InvalidWorkflow("invalid_condition", f"{operator} does not take this value", pointer)
    if operator in ORDERED and isinstance(operand, str) and _NUMBER.fullmatch(operand):
        detail = f"{operator}: {operand[:40]!r} is a text, which is not ordered with numbers; write one, as 1000 or 0.5"
        raise InvalidWorkflow("invalid_condition", detail, pointer)


def _clause(wanted: object, found: object) -> bool:
    if isinstance(wanted, dict):
        return all(_operator(operator, operand, found) for operator, operand in wanted.items())
    return _operator("in" if isinstance(wanted, list) else "eq", wanted, found)


def _operator(operator: str, operand: object, found: object) -> bool:
    if operator == "exists":
        return (found is not msgspec.UNSET) is operand
    if operator in ("ne", "nin"):
        return not _operator("eq" if operator == "ne" else "in", operand, found)
    if found is msgspec.UNSET:
        return False
    if operator == "in":
        return isinstance(operand, list) and any(_equal(each, found) for each in operand)
    if operator == "contains":
        return (isinstance(found, list) and any(_equal(operand, each) for each in found)) or (
            isinstance(found, str) and isinstance(operand, str) and operand in found
        )
    if operator == "starts_with":
        return isinstance(found, str) and isinstance(operand, str) and found.startswith(operand)
    if operator in ORDERED:
        return _is_ordered(operand, found) and ORDERED[operator](found, operand)  # type: ignore[arg-type]  # two numbers or two texts
    return _equal(operand, found)


def _equal(one: object, other: object) -> bool:
    """As JSON: true is not 1, and 1 is 1.0."""
    return isinstance(one, bool) is isinstance(other, bool) and one == other


def _is_ordered(one: object, other: object) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return False
    return (isinstance(one, str) and isinstance(other, str)) or (
        isinstance(one, int | float) and isinstance(other, int | float)
    )


def _count(condition: object) -> int:
    return sum(1 for _ in paths(condition))
