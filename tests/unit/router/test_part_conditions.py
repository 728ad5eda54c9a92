"""What a workflow asks of an event before it names anybody; recipients of each of a list; what an event is about."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson
import pytest

from services.router.core.expansion import Expansion, expansion_outputs
from services.router.core.parts import EventPart, expand_parts
from services.router.core.received_event import EventTenants, ReceivedEvent, read_events
from services.router.expansions import expansion_row
from shared.model.expansion import EventState, PartOutcome
from shared.model.topics import Topics
from shared.model.workflows import Workflow, parse
from tests.support import samples as a

FILE: dict[str, Any] = {
    "key": "team.note",
    "on": ["com.example.*"],
    "recipients": "data.to",
    "category": "teams",
    "steps": [{"key": "notify", "channels": ["webhook"]}],
}


def workflow(**more: Any) -> Workflow:
    return parse(FILE | more)


def received(data: Any, **attributes: str) -> ReceivedEvent:
    record = a.event_record(data=orjson.dumps(data), type="com.example.note", **attributes)
    [found] = read_events(record, a.NOON, EventTenants(internal="-"))
    assert isinstance(found, ReceivedEvent)
    return msgspec.structs.replace(found, id="e", accepted_at=a.NOON)


def part(data: Any, attributes: dict[str, str] | None = None, **more: Any) -> EventPart:
    (made,) = expand_parts(received(data, **(attributes or {})), [workflow(**more)])
    return made


def users(made: EventPart) -> list[str]:
    return [one.user for one in made.notifications]


@pytest.mark.parametrize(
    ("when", "clause"),
    [
        ({"data.total": {"gte": 100}}, None),
        ({"data.total": {"gt": 100}}, "data.total"),
        ({"event.source": "/shop", "event.type": {"starts_with": "com.example"}}, None),
        ({"event.source": "/other"}, "event.source"),
        ({"event.region": "eu"}, None),
        ({"event.subject": {"exists": True}}, "event.subject"),
    ],
)
def test_a_workflow_is_only_for_the_events_that_it_asks_for(when: dict[str, Any], clause: str | None) -> None:
    made = part({"to": ["a"], "total": 100}, {"region": "eu"}, when=when)
    if clause is None:
        assert (made.outcome, users(made)) == (PartOutcome.EXPANDED, ["a"])
        return
    assert (made.outcome, made.rejected) == (PartOutcome.NOBODY, None)
    assert made.passed_over is not None
    assert made.passed_over.reason == "condition"
    assert made.passed_over.detail.startswith(clause)


def expansion(data: Any, *workflows: Workflow) -> Expansion:
    found = received(data)
    return Expansion(received=found, parts=expand_parts(found, workflows), generation=0)


def statuses(found: Expansion) -> list[dict[str, Any]]:
    outputs = [each for each in expansion_outputs(Topics(), found) if each.topic == Topics().statuses]
    return [orjson.loads(each.value or b"") for each in outputs]


NOT_FOR_IT = {"data.total": {"gt": 100}}


def test_an_event_that_no_workflow_wants_is_no_dead_letter_and_says_which_clause() -> None:
    found = expansion({"to": ["a"], "total": 1}, workflow(when=NOT_FOR_IT))
    assert (found.state, found.error) == (EventState.EXPANDED, None)
    (told,) = statuses(found)
    assert told["reason"] == "condition"
    assert "data.total" in told["detail"]
    (row,) = expansion_row(found)["workflows"]
    assert (row["outcome"], row["rejected"]["reason"]) == ("nobody", "condition")


def test_one_that_wants_it_gets_it_whatever_the_others_ask() -> None:
    found = expansion({"to": ["a"], "total": 1}, workflow(when=NOT_FOR_IT), workflow(key="other"))
    assert [users(each) for each in found.parts] == [[], ["a"]]
    (told,) = statuses(found)
    assert "reason" not in told


def test_an_impossible_one_beside_one_that_does_not_want_it_is_dead() -> None:
    found = expansion({"total": 1}, workflow(when=NOT_FOR_IT), workflow(key="other"))
    assert found.state is EventState.DEAD
    assert found.error is not None
    assert found.error.code == "no_recipients"


SCHEMA = {"type": "object", "required": ["order"], "properties": {"order": {"type": "string"}}}


@pytest.mark.parametrize(
    ("data", "pointer"),
    [({"to": ["a"]}, "/data/order"), ({"to": ["a"], "order": 7}, "/data/order"), (["a"], "/data")],
)
def test_data_that_misses_the_schema_is_rejected_with_its_place(data: Any, pointer: str) -> None:
    made = part(data, schema=SCHEMA)
    assert made.outcome is PartOutcome.NOT_EXPANDED
    assert made.rejected is not None
    assert (made.rejected.reason, made.rejected.pointer) == ("invalid_data", pointer)
    found = expansion(data, workflow(schema=SCHEMA))
    assert found.error is not None
    assert (found.error.code, found.error.pointer) == ("invalid_data", pointer)


def test_the_data_of_others_are_none_of_its_business() -> None:
    """What a workflow does not start on need not fit its schema; what fits starts it."""
    assert part({"to": ["a"]}, schema=SCHEMA, when={"data.order": {"exists": True}}).rejected is None
    assert users(part({"to": ["a"], "order": "x"}, schema=SCHEMA)) == ["a"]
    found = expansion({"to": ["a"]}, workflow(schema=SCHEMA), workflow(key="other"))
    assert (found.error, users(found.parts[1])) == (None, ["a"])


def test_a_schema_that_nobody_checked_and_that_is_broken_costs_only_its_workflow() -> None:
    broken = a.workflow(key="broken", data_schema={"$ref": "http://127.0.0.1:9/x"}, recipients="data.to")
    found = expansion({"to": ["a"]}, broken, workflow())
    assert found.parts[0].rejected is not None
    assert found.parts[0].rejected.reason == "invalid_data"
    assert users(found.parts[1]) == ["a"]


TEAMS = {
    "note": "hi",
    "members": [{"id": "a", "name": "A"}, {"id": 7.5}, {"name": "nobody"}, {"id": "b"}, "x"],
    "teams": [{"people": [{"id": "c"}]}, {"people": []}, {}, {"people": [{"id": "d"}, {"id": "c"}], "ids": ["e", "f"]}],
}


@pytest.mark.parametrize(
    ("path", "found", "left_out"),
    [
        ("data.members[*].id", ["a", "b"], ["/data/members/1/id", "/data/members/2/id", "/data/members/4/id"]),
        ("data.teams[*].people[*].id", ["c", "d"], ["/data/teams/2/people"]),
        ("data.teams[*].ids", ["e", "f"], ["/data/teams/0/ids", "/data/teams/1/ids", "/data/teams/2/ids"]),
    ],
)
def test_each_of_a_list_is_a_recipient(path: str, found: list[str], left_out: list[str]) -> None:
    made = part(TEAMS, recipients=path)
    assert users(made) == found
    assert sorted(each.pointer or "" for each in made.left_out) == left_out


@pytest.mark.parametrize(
    ("data", "outcome"),
    [
        ({"members": []}, PartOutcome.NOBODY),
        ({"members": None}, PartOutcome.NOBODY),
        ({}, PartOutcome.NOT_EXPANDED),
        ({"members": {"id": "a"}}, PartOutcome.NOT_EXPANDED),
        ({"members": [{}]}, PartOutcome.NOT_EXPANDED),
    ],
)
def test_a_list_without_anybody(data: Any, outcome: PartOutcome) -> None:
    made = part(data, recipients="data.members[*].id")
    assert made.outcome is outcome
    if made.rejected is not None:
        assert made.rejected.reason == "no_recipients"


def test_nobody_is_told_who_else_is_in_the_list() -> None:
    both = (workflow(recipients="data.members[*].id"), workflow(key="other", recipients="data.teams[*].people[*].id"))
    for each in expansion(TEAMS, *both).parts:
        for one in each.notifications:
            assert orjson.loads(bytes(one.data)) == {"note": "hi"}


def test_too_many_are_too_many_wherever_they_stand() -> None:
    crowd = {"members": [{"id": str(number)} for number in range(20_001)]}
    made = part(crowd, recipients="data.members[*].id")
    assert made.rejected is not None
    assert made.rejected.reason == "too_many_recipients"


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("b-7", "b-7"),
        (7, "7"),
        (7.0, "7"),
        (7.5, "7.5"),
        ("x" * 200, "x" * 200),
        ("", None),
        (None, None),
        (True, None),
        (["b"], None),
        ({"id": 1}, None),
    ],
)
def test_what_an_event_is_about(value: Any, key: str | None) -> None:
    (one,) = part({"to": "a", "booking": value}, collapse_key="data.booking").notifications
    assert one.collapse_key == key
    (one,) = part({"to": "a", "booking": value}).notifications
    assert one.collapse_key is None


def test_long_keys_are_apart() -> None:
    keys = [
        part({"to": "a", "booking": "x" * 300 + end}, collapse_key="data.booking").notifications[0].collapse_key
        for end in ("1", "2", "1")
    ]
    assert keys[0] == keys[2] != keys[1]
    assert max(len(key or "") for key in keys) <= 200


@pytest.mark.parametrize(
    ("time", "at"),
    [
        ("2026-01-05T11:00:00Z", a.NOON - 3_600_000),
        ("2026-01-05T12:05:00Z", a.NOON + 300_000),
        ("2026-01-05T12:05:01Z", None),
        ("2031-01-05T12:05:01Z", None),
        (None, None),
    ],
)
def test_when_it_happened_unless_its_producers_clock_is_ahead(time: str | None, at: int | None) -> None:
    attributes = {} if time is None else {"time": time}
    (one,) = part({"to": "a"}, attributes, collapse_key="data.booking").notifications
    assert one.event_time == at
    assert one.happened_at == (a.NOON if at is None else at)
    (one,) = part({"to": "a"}, attributes).notifications
    assert one.event_time is None, "a workflow that does not ask for it does not carry it"
