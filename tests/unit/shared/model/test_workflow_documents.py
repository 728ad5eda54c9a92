"""A document with many mistakes: each is said at once, and nothing that only follows from another."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.errors import InvalidWorkflow
from shared.model.workflow_documents import read_document
from shared.model.workflows import parse

GOOD: dict[str, Any] = {
    "key": "order.shipped",
    "category": "orders",
    "on": ["com.example.order.*"],
    "when": {"data.total": {"gte": 1}},
    "recipients": "data.members[*].id",
    "actor": "data.sender.id",
    "priority": "high",
    "collapse_key": "data.order",
    "schema": {"type": "object", "required": ["order"]},
    "steps": [
        {"key": "inbox", "channels": ["in_app"]},
        {"key": "wait", "kind": "wait_for_read", "seconds": 600},
        {
            "key": "ways",
            "kind": "branch",
            "branches": [{"when": {"profile.locale": "de"}, "steps": [{"key": "mail", "channels": ["email"]}]}],
            "otherwise": [
                {"key": "hook", "channels": ["webhook"], "templates": {"email": {"subject": "a", "text": "b"}}}
            ],
        },
    ],
    "templates": {"in_app": {"title": {"en": "Hi"}}, "email": {"subject": "Hi", "text": "Hi"}},
    "variants": [{"key": "a", "weight": 2, "templates": {"in_app": {"title": "Ho"}}}],
}


def pointers(document: Any) -> list[str]:
    return [fault.pointer or "" for fault in read_document(document).faults]


def test_a_good_one_is_what_parse_makes_of_it() -> None:
    found = read_document(GOOD)
    assert found.faults == []
    assert found.workflow == parse(GOOD)


def test_all_that_is_wrong_is_said_at_once() -> None:
    document = copy.deepcopy(GOOD)
    document |= {"key": "Order", "prioritty": 1, "priority": "hihg", "expires_after_seconds": 0, "version": 3}
    document["on"] = ["com.*.x", "ok", "*"]
    document["when"] = {"dta.total": 1}
    document["steps"][0]["chanels"] = document["steps"][0].pop("channels")
    document["steps"][1]["seconds"] = "600"
    document["steps"][2]["branches"][0]["when"] = {"profile.locale": {"equals": "de"}}
    document["steps"][2]["branches"][0]["steps"][0]["channels"] = ["pigeon"]
    document["steps"][2]["otherwise"][0]["templates"]["email"]["body"] = "c"
    document["templates"]["in_app"]["titel"] = "x"
    document["variants"][0]["weight"] = 0
    document["schema"] = {"type": "objekt"}
    assert sorted(pointers(document)) == sorted([
        "/version", "/key", "/prioritty", "/priority", "/expires_after_seconds", "/on/0", "/on/2", "/when/dta.total",
        "/steps/0/chanels", "/steps/1/seconds", "/steps/2/branches/0/when/profile.locale/equals",
        "/steps/2/branches/0/steps/0/channels/0", "/steps/2/otherwise/0/templates/email/body",
        "/templates/in_app/titel", "/variants/0", "/schema/type",
    ])  # fmt: skip


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (GOOD | {"prioritty": "high"}, "did you mean priority?"),
        (GOOD | {"priority": "hihg"}, "did you mean high?"),
        (GOOD | {"nothing_like_it": 1}, "there are key, "),
        (GOOD | {"steps": [{"key": "x", "kind": "dely", "seconds": 1}]}, "did you mean delay?"),
        (GOOD | {"steps": [{"key": "x", "channels": ["emial"]}]}, "did you mean email?"),
    ],
)
def test_the_likeliest_is_named(document: Any, words: str) -> None:
    (fault, *_) = read_document(document).faults
    assert words in fault.detail


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"recipients": 7}, ["/recipients"]),
        ({"templates": {"in_app": {"titel": "x"}, "email": {"subject": "a", "text": "b"}}}, ["/templates/in_app/titel", "/templates/in_app"]),
        ({"steps": [{"channels": ["in_app"]}, {"key": "w", "kind": "wait_for_read", "seconds": 5}]}, ["/steps/0"]),
        ({"steps": "x"}, ["/steps"]),
        ({"steps": [{"key": "x"}], "templates": {}}, ["/steps/0/channels"]),
    ],
)  # fmt: skip
def test_what_follows_from_a_mistake_is_not_said(changes: dict[str, Any], found: list[str]) -> None:
    assert pointers(GOOD | changes) == found


@pytest.mark.parametrize("document", [None, [], "x", 5, {}, {"key": "x"}, {1: 2}, GOOD | {"steps": [None, [], "x", 5]}])
def test_no_workflow_at_all(document: Any) -> None:
    found = read_document(document)
    assert found.workflow is None
    assert found.faults


junk = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(max_size=5),
    st.just([]),
    st.just({}),
    st.just([{}]),
    st.just({"a": 1}),
).map(copy.deepcopy)  # a document is changed in place, and the next one draws the same lists


@given(st.data())
def test_whatever_is_wrong_is_wrong_for_parse_too(data: st.DataObject) -> None:
    """And what is right is right: the two never differ."""
    document = copy.deepcopy(GOOD)
    for _ in range(data.draw(st.integers(1, 3))):
        here: Any = document
        while True:
            keys = list(here) if isinstance(here, dict) else list(range(len(here)))
            if not keys:
                break
            key = data.draw(st.sampled_from(keys))
            if isinstance(here[key], dict | list) and data.draw(st.booleans()):
                here = here[key]
                continue
            if isinstance(here, dict) and data.draw(st.booleans()):
                del here[key]
            else:
                here[key] = data.draw(junk)
            break
    found = read_document(document)
    try:
        parsed = parse(document)
    except InvalidWorkflow:
        assert found.workflow is None
        assert found.faults
    else:
        assert (found.workflow, found.faults) == (parsed, [])
