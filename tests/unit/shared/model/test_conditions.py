"""Conditions: what each operator says, what is refused with its place, and the laws that hold for all of them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.conditions import MAX_CLAUSES, MAX_DEPTH, OPERATORS, check_condition, failing, holds, paths
from shared.model.errors import InvalidWorkflow

DATA = {
    "total": 100, "name": "Ada", "vip": True, "nothing": None, "tags": ["new", 1, True], "zero": 0, "half": 0.5,
    "deep": {"er": "x"},
}  # fmt: skip


def look_up(path: str) -> Any:
    value: Any = DATA
    for name in path.split(".")[1:]:
        value = value.get(name, msgspec.UNSET) if isinstance(value, dict) else msgspec.UNSET
    return value


@pytest.mark.parametrize(
    ("wanted", "yes"),
    [
        ({"data.total": 100}, True),
        ({"data.total": 100.0}, True),
        ({"data.total": "100"}, False),
        ({"data.vip": True}, True),
        ({"data.vip": 1}, False),
        ({"data.zero": False}, False),
        ({"data.nothing": None}, True),
        ({"data.missing": None}, False),
        ({"data.name": ["Bob", "Ada"]}, True),
        ({"data.name": ["Bob"]}, False),
        ({"data.total": {"gte": 100, "lt": 101}}, True),
        ({"data.total": {"gt": 100}}, False),
        ({"data.total": {"lte": 99.9}}, False),
        ({"data.name": {"gt": "A"}}, True),
        ({"data.name": {"gt": "2026-01-01"}}, True),
        ({"data.name": {"gt": 0}}, False),
        ({"data.vip": {"gte": 0}}, False),
        ({"data.nothing": {"lt": 1}}, False),
        ({"data.missing": {"lt": 1}}, False),
        ({"data.total": {"ne": 99}}, True),
        ({"data.missing": {"ne": 99}}, True),
        ({"data.total": {"ne": 100}}, False),
        ({"data.name": {"in": ["Ada"]}}, True),
        ({"data.name": {"nin": ["Ada"]}}, False),
        ({"data.missing": {"nin": ["Ada"]}}, True),
        ({"data.tags": {"contains": "new"}}, True),
        ({"data.tags": {"contains": 1}}, True),
        ({"data.tags": {"contains": "old"}}, False),
        ({"data.name": {"contains": "d"}}, True),
        ({"data.name": {"contains": 1}}, False),
        ({"data.total": {"contains": 1}}, False),
        ({"data.name": {"starts_with": "A"}}, True),
        ({"data.total": {"starts_with": "1"}}, False),
        ({"data.deep.er": {"exists": True}}, True),
        ({"data.deep": {"exists": True}}, True),
        ({"data.nothing": {"exists": True}}, True),
        ({"data.missing": {"exists": False}}, True),
        ({"data.name.first": {"exists": False}}, True),
        ({"data.total": 100, "data.name": "Bob"}, False),
        ({"all": [{"data.total": 100}, {"data.name": "Ada"}]}, True),
        ({"all": [{"data.total": 100}, {"data.name": "Bob"}]}, False),
        ({"any": [{"data.total": 1}, {"data.name": "Ada"}]}, True),
        ({"any": [{"data.total": 1}, {"data.name": "Bob"}]}, False),
        ({"not": {"data.name": "Bob"}}, True),
        ({"not": {"data.name": "Ada", "data.total": 1}}, True),
        ({"not": {"data.name": "Ada"}}, False),
    ],
)
def test_what_holds(wanted: dict[str, Any], yes: bool) -> None:
    check_condition(wanted, "/when", ("data",))
    assert holds(wanted, look_up) is yes


@pytest.mark.parametrize(
    ("wanted", "clause"),
    [
        ({"data.total": 100, "data.name": "Bob"}, "data.name"),
        ({"all": [{"data.total": 100}, {"data.name": "Bob"}]}, "data.name"),
        ({"any": [{"data.name": "Bob"}]}, "any"),
        ({"not": {"data.name": "Ada"}}, "not"),
        ({"data.total": 100}, None),
    ],
)
def test_the_clause_that_does_not_hold_is_named(wanted: dict[str, Any], clause: str | None) -> None:
    assert failing(wanted, look_up) == clause


@pytest.mark.parametrize(
    ("wanted", "pointer"),
    [
        (None, "/when"),
        ([], "/when"),
        ({}, "/when"),
        ("data.x", "/when"),
        ({"dta.x": 1}, "/when/dta.x"),
        ({"profile.x": 1}, "/when/profile.x"),
        ({"data..x": 1}, "/when/data..x"),
        ({"data.items[0].total": 1}, "/when/data.items[0].total"),
        ({"data.tags[*]": "x"}, "/when/data.tags[*]"),
        ({"data.a/b": {"gtt": 1}}, "/when/data.a~1b/gtt"),
        ({"data.x": {}}, "/when/data.x"),
        ({"data.x": []}, "/when/data.x"),
        ({"data.x": [[1]]}, "/when/data.x"),
        ({"data.x": {"gtt": 1}}, "/when/data.x/gtt"),
        ({"data.x": {"gt": True}}, "/when/data.x/gt"),
        ({"data.x": {"gt": None}}, "/when/data.x/gt"),
        ({"data.x": {"gte": "1e3"}}, "/when/data.x/gte"),  # as YAML has them
        ({"data.x": {"gte": "1_000"}}, "/when/data.x/gte"),
        ({"data.x": {"lt": ".5"}}, "/when/data.x/lt"),
        ({"data.x": {"lt": "-100"}}, "/when/data.x/lt"),
        ({"data.x": {"in": "a"}}, "/when/data.x/in"),
        ({"data.x": {"in": []}}, "/when/data.x/in"),
        ({"data.x": {"exists": 1}}, "/when/data.x/exists"),
        ({"data.x": {"starts_with": ""}}, "/when/data.x/starts_with"),
        ({"data.x": {"eq": {"a": 1}}}, "/when/data.x/eq"),
        ({"all": []}, "/when/all"),
        ({"all": {"data.x": 1}}, "/when/all"),
        ({"any": [{"data.x": 1}, {"y": 1}]}, "/when/any/1/y"),
        ({"not": [{"data.x": 1}]}, "/when/not"),
    ],
)
def test_a_mistake_is_pointed_at(wanted: Any, pointer: str) -> None:
    with pytest.raises(InvalidWorkflow) as refused:
        check_condition(wanted, "/when", ("data", "event"))
    assert (refused.value.code, refused.value.pointer) == ("invalid_condition", pointer)


def test_depth_and_number_are_bounded() -> None:
    deep: dict[str, Any] = {"data.x": 1}
    for _ in range(MAX_DEPTH - 1):
        deep = {"not": deep}
    check_condition(deep, "/when", ("data",))
    with pytest.raises(InvalidWorkflow, match="too deep"):
        check_condition({"not": deep}, "/when", ("data",))
    many = {"any": [{f"data.x{number}": 1} for number in range(MAX_CLAUSES)]}
    check_condition(many, "/when", ("data",))
    with pytest.raises(InvalidWorkflow, match="101 clauses"):
        check_condition({"all": [many, {"data.x": 1}]}, "/when", ("data",))


scalars = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.floats(-3, 3), st.sampled_from(["", "a", "ab"]))
places = st.sampled_from(["data.a", "data.b", "data.a.b"])
clauses = st.one_of(
    scalars,
    st.lists(scalars, min_size=1, max_size=3),
    st.one_of(
        st.fixed_dictionaries({"gte": st.integers(-3, 3)}),
        st.fixed_dictionaries({"lt": st.sampled_from(["a", "b"])}),
        st.fixed_dictionaries({"exists": st.booleans()}),
        st.fixed_dictionaries({"contains": scalars}),
    ),
)
conditions = st.recursive(
    st.dictionaries(places, clauses, min_size=1, max_size=2),
    lambda inner: st.one_of(
        st.fixed_dictionaries({"all": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"not": inner}),
    ),
    max_leaves=6,
)
values = st.one_of(scalars, st.lists(scalars, max_size=3), st.dictionaries(st.sampled_from(["b"]), scalars))
data = st.dictionaries(st.sampled_from(["a", "b"]), values)


def of(found: dict[str, Any]) -> Any:
    def look(path: str) -> Any:
        value: Any = found
        for name in path.split(".")[1:]:
            value = value.get(name, msgspec.UNSET) if isinstance(value, dict) else msgspec.UNSET
        return value

    return look


@given(conditions, data)
def test_a_checked_condition_always_says_yes_or_no_and_names_what_it_asks(
    condition: dict[str, Any], found: dict[str, Any]
) -> None:
    check_condition(condition, "/when", ("data",))
    clause = failing(condition, of(found))
    assert (clause is None) is holds(condition, of(found))
    assert clause is None or clause in {*paths(condition), "any", "not"}


@given(conditions, conditions, data)
def test_the_laws_of_groups(one: dict[str, Any], other: dict[str, Any], found: dict[str, Any]) -> None:
    first, second = (holds(each, of(found)) for each in (one, other))
    assert holds({"all": [one, other]}, of(found)) is (first and second)
    assert holds({"any": [one, other]}, of(found)) is (first or second)
    assert holds({"not": one}, of(found)) is not first
    assert holds({"not": {"all": [one, other]}}, of(found)) is holds({"any": [{"not": one}, {"not": other}]}, of(found))


@given(places, scalars, data)
def test_ne_and_nin_are_the_opposites(path: str, wanted: Any, found: dict[str, Any]) -> None:
    assert holds({path: {"ne": wanted}}, of(found)) is not holds({path: {"eq": wanted}}, of(found))
    assert holds({path: {"nin": [wanted]}}, of(found)) is not holds({path: {"in": [wanted]}}, of(found))


@given(st.one_of(scalars, st.lists(scalars), st.dictionaries(st.text(max_size=8), scalars)), st.sampled_from(OPERATORS))
def test_whatever_is_written_is_taken_or_refused_by_name(wanted: Any, operator: str) -> None:
    for condition in ({"data.x": {operator: wanted}}, {"data.x": wanted}, wanted, {operator: wanted}):
        try:
            check_condition(condition, "/when", ("data",))
        except InvalidWorkflow:
            continue
        holds(condition, of({"x": 1}))
