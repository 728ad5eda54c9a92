"""From an event to notifications: who is named, what they get, and what is rejected."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson
import pytest

from services.router.core.parts import EventPart, expand_parts
from services.router.core.received_event import EventTenants, ReceivedEvent, read_events
from shared.model import ids
from shared.model.errors import InvalidWorkflow
from shared.model.expansion import MAX_EXPANDED, PartOutcome
from shared.model.recipients import recipients
from shared.model.workflows import Workflow, parse
from tests.support import samples as a

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


def part(data: Any, subject: str | None = None, **more: Any) -> EventPart:
    said = {} if subject is None else {"subject": subject}
    [received] = read_events(
        a.event_record(data=orjson.dumps(data), type="com.example.message", **said), a.NOON, EventTenants(internal="-")
    )
    assert isinstance(received, ReceivedEvent)
    (made,) = expand_parts(msgspec.structs.replace(received, id="e", accepted_at=1_000), [workflow(**more)])
    return made


def test_each_distinct_recipient_gets_one_notification_with_a_derived_id() -> None:
    found = part({"to": ["a", "b", "a"], "sender": {"id": "b"}}).notifications
    assert [one.user for one in found] == ["a", "b"]
    assert found[0].id == ids.notification_id("e", "chat.message", "a")
    assert {one.actor for one in found} == {"b"}
    assert found[0].expires_at == 1_000 + 86_400_000


@pytest.mark.parametrize(
    ("subject", "kept"), [("complaint/123", "complaint/123"), (None, None), ("x" * 200, "x" * 200), ("x" * 201, None)]
)
def test_what_it_is_about_goes_along_unless_it_is_too_long_to_be_found_by(
    subject: str | None, kept: str | None
) -> None:
    (one,) = part({"to": "a"}, subject).notifications
    assert one.subject == kept


def test_nobody_is_told_who_else_was() -> None:
    found = part({"text": "hi", "deep": {"to": ["a", "b"], "kept": 1}}, recipients="data.deep.to").notifications
    assert {bytes(one.data) for one in found} == {b'{"text":"hi","deep":{"kept":1}}'}


def test_a_single_recipient_is_no_list_and_the_data_stay_as_they_came() -> None:
    (one,) = part({"to": "a", "n": 1}).notifications
    assert bytes(one.data) == b'{"to":"a","n":1}'


@pytest.mark.parametrize("data", [{"to": []}, {"to": None}])
def test_an_event_that_names_nobody_is_for_nobody(data: Any) -> None:
    assert part(data).outcome is PartOutcome.NOBODY


@pytest.mark.parametrize("data", [{"text": "hi"}, ["a"], "to", None, {"to ": ["a"]}])
def test_where_nothing_names_anybody_it_says_so(data: Any) -> None:
    found = part(data)
    assert found.outcome is PartOutcome.NOT_EXPANDED
    assert found.rejected is not None
    assert (found.rejected.reason, found.rejected.pointer) == ("no_recipients", "/data/to")


@pytest.mark.parametrize("named", [42, [42], [{"id": 42}], ["42", 42]])
def test_a_user_who_is_a_number_is_the_one_of_that_name(named: Any) -> None:
    """Producers that keep users under numbers write the same user as 42 here and as "42" there."""
    found = part({"to": named, "order": 7}).notifications
    assert [each.user for each in found] == ["42"]
    assert msgspec.json.decode(found[0].data).get("order") == 7
    assert not isinstance(named, list) or "to" not in msgspec.json.decode(found[0].data)


def test_an_inline_person_is_the_hash_of_the_address() -> None:
    (one,) = recipients({"email": "Ada@example.com"}).found
    assert one.id == ids.inline_user_id("ada@example.com")


@pytest.mark.parametrize(
    ("named", "code"),
    [
        (7.5, "invalid_recipient"),
        ([""], "invalid_user_id"),
        (["a\n"], "invalid_user_id"),
        ([{"id": "a", "email": "a@b.de"}], "invalid_recipient"),
        ([{"name": "A"}], "invalid_recipient"),
        ([{"email": "a@b.de", "age": 7}], "invalid_recipient"),
        ([{"email": 7}], "invalid_recipient"),
        ([str(number) for number in range(10_001)], "too_many_recipients"),
    ],
)
def test_what_names_nobody_is_refused_where_it_stands(named: Any, code: str) -> None:
    rejected = part({"to": named}).rejected
    assert rejected is not None
    assert rejected.reason == code
    assert (rejected.pointer or "").startswith("/data/to")


def test_what_would_become_too_much_is_refused() -> None:
    few = {"to": [str(number) for number in range(16)], "text": "x" * 1_000_000}
    assert len(part(few).notifications) == 16
    rejected = part(few | {"to": [str(number) for number in range(1 + MAX_EXPANDED // 1_000_000)]}).rejected
    assert rejected is not None
    assert rejected.reason == "expanded_too_large"


@pytest.mark.parametrize("path", ["data", "to", "data.", "data..to", "body.to", "data.to now"])
def test_a_path_leads_below_data(path: str) -> None:
    for name in ("recipients", "actor"):
        with pytest.raises(InvalidWorkflow, match="below data"):
            workflow(**{name: path})
