"""From an event to notifications: who is named, what they get, and what is refused."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from shared.model import ids
from shared.model.errors import Invalid, InvalidEvent, InvalidWorkflow
from shared.model.expansion import MAX_EXPANDED, expand, from_event
from shared.model.recipients import recipients
from shared.model.workflows import Workflow, parse

FILE = {
    "key": "chat.message",
    "on": ["com.example.message"],
    "recipients": "data.to",
    "actor": "data.sender.id",
    "category": "chat",
    "steps": [{"key": "notify", "channels": ["webhook"]}],
}


def workflow(**more: Any) -> Workflow:
    return parse(FILE | more)


def requested(data: Any, **more: Any) -> Any:
    return from_event(
        tenant="default",
        event_id="e",
        event_type="com.example.message",
        source="/tests",
        raw=orjson.dumps(data),
        data=data,
        workflow=workflow(**more),
        accepted_at=1_000,
        traceparent=None,
    )


def test_each_distinct_recipient_gets_one_notification_with_a_derived_id() -> None:
    found = expand(requested({"to": ["a", "b", "a"], "sender": {"id": "b"}}), workflow())
    assert [one.user for one in found] == ["a", "b"]
    assert found[0].id == ids.notification_id("e", "chat.message", "a")
    assert {one.actor for one in found} == {"b"}
    assert found[0].expires_at == 1_000 + 86_400_000


def test_nobody_is_told_who_else_was() -> None:
    found = requested({"text": "hi", "deep": {"to": ["a", "b"], "kept": 1}}, recipients="data.deep.to")
    assert orjson.loads(found.data) == {"text": "hi", "deep": {"kept": 1}}


def test_a_single_recipient_is_no_list_and_the_data_stay_as_they_came() -> None:
    assert requested({"to": "a", "n": 1}).data == b'{"to":"a","n":1}'


def test_an_event_that_names_nobody_is_for_nobody() -> None:
    assert requested({"text": "hi"}).recipients == ()
    assert requested(["a"]).recipients == ()


def test_an_inline_person_is_the_hash_of_the_address() -> None:
    (one,) = recipients({"email": "Ada@example.com"})
    assert one.id == ids.inline_user_id("ada@EXAMPLE.com ".strip())


@pytest.mark.parametrize(
    ("named", "code"),
    [
        (7, "invalid_recipient"),
        ([""], "invalid_user_id"),
        (["a\n"], "invalid_user_id"),
        ([{"id": "a", "email": "a@b.de"}], "invalid_recipient"),
        ([{"name": "A"}], "invalid_recipient"),
        ([{"email": "a@b.de", "age": 7}], "invalid_recipient"),
        ([{"email": 7}], "invalid_recipient"),
        ([str(number) for number in range(101)], "too_many_recipients"),
    ],
)
def test_what_names_nobody_is_refused_where_it_stands(named: Any, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        requested({"to": named})
    assert isinstance(refused.value, InvalidEvent)
    assert refused.value.code == code
    assert (refused.value.pointer or "").startswith("/data/to")


def test_what_would_become_too_much_is_refused() -> None:
    few = {"to": [str(number) for number in range(16)], "text": "x" * 1_000_000}
    assert len(requested(few).recipients) == 16
    with pytest.raises(InvalidEvent) as refused:
        requested(few | {"to": [str(number) for number in range(1 + MAX_EXPANDED // 1_000_000)]})
    assert refused.value.code == "expanded_too_large"


@pytest.mark.parametrize("path", ["data", "to", "data.", "data..to", "body.to", "data.to now"])
def test_a_path_leads_below_data(path: str) -> None:
    for name in ("recipients", "actor"):
        with pytest.raises(InvalidWorkflow, match="below data"):
            workflow(**{name: path})
