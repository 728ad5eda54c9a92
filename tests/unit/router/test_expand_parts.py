"""A part of an event that is impossible costs only itself, and says so."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from shared.model import ids
from shared.model.records import decode_record
from tests.support import samples as a
from tests.unit.router.expand_stores import TOPICS, TYPE, ExpandStores, carry

pytestmark = pytest.mark.usefixtures("clock")
EVENT = ids.event_id("default", "/shop", "e-1")


def audit(recipients: str = "data.auditors", version: int = 1) -> Any:
    return a.workflow(key="order.audit", version=version, on=(TYPE,), recipients=recipients)


@pytest.fixture
def stores() -> ExpandStores:
    return ExpandStores()


def event(data: Any, **more: Any) -> Any:
    return a.event_record(data=orjson.dumps(data), **more)


def statuses(stores: ExpandStores) -> list[tuple[str, dict[str, Any]]]:
    """State and data of each status, in order."""
    found = [
        (dict(output.headers), orjson.loads(output.value or b"")) for output in stores.publisher.on(TOPICS.statuses)
    ]
    return [(headers["ce_type"].decode().removeprefix("carillon.event."), data) for headers, data in found]


def left_out(stores: ExpandStores) -> list[tuple[str | None, str, str]]:
    """Workflow, reason and pointer of each status of what was left out."""
    return [
        (data.get("workflow"), data["reason"], data["pointer"])
        for state, data in statuses(stores)
        if state == "not_expanded"
    ]


WRONG_LISTS = [
    (7.5, "invalid_recipient", "/data/auditors"),
    (["a\n"], "invalid_user_id", "/data/auditors/0"),
    ([{"email": "nobody"}], "invalid_email", "/data/auditors/0/email"),
    ([str(number) for number in range(10_001)], "too_many_recipients", "/data/auditors"),
]


@pytest.mark.parametrize(("auditors", "reason", "pointer"), WRONG_LISTS, ids=[row[1] for row in WRONG_LISTS])
async def test_a_workflow_with_a_wrong_list_costs_itself(stores, auditors, reason, pointer) -> None:
    stores.catalog.publish("default", audit())
    await carry(await stores.expander(), event({"to": ["ada"], "auditors": auditors}))
    assert stores.notified == [("ada", 3)]
    assert ("order.audit", reason, pointer) in left_out(stores)
    assert statuses(stores)[0][0] == "expanded"
    assert not stores.publisher.on(TOPICS.events_dlq)


async def test_a_workflow_with_a_wrong_path_costs_itself(stores) -> None:
    stores.catalog.publish("default", audit("data.no.such"))
    await carry(await stores.expander(), event({"to": ["ada"]}))
    assert stores.notified == [("ada", 3)]
    assert left_out(stores) == [("order.audit", "no_recipients", "/data/no/such")]


async def test_a_bad_recipient_costs_himself(stores) -> None:
    await carry(await stores.expander(), event({"to": ["ada", "", None, {"email": "x"}, "bob", 7.5]}))
    assert [user for user, _ in stores.notified] == ["ada", "bob"]
    assert left_out(stores) == [
        ("order.shipped", "invalid_user_id", "/data/to/1"),
        ("order.shipped", "invalid_recipient", "/data/to/2"),
        ("order.shipped", "invalid_email", "/data/to/3/email"),
        ("order.shipped", "invalid_recipient", "/data/to/5"),
    ]
    found = {dict(output.headers)["ce_id"] for output in stores.publisher.on(TOPICS.statuses)}
    assert len(found) == 5, "each status has an id of its own"


async def test_what_is_too_much_at_once_costs_its_workflow(stores) -> None:
    stores.catalog.publish("default", audit())
    many = [str(number) for number in range(100)]
    await carry(await stores.expander(), event({"to": many, "auditors": "eve", "text": "x" * 200_000}))
    assert [user for user, _ in stores.notified] == ["eve"]
    assert left_out(stores) == [("order.shipped", "expanded_too_large", "/data/to")]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"too": ["ada"]}, "no_recipients"),
        ('{"to": ["ada"]}', "no_recipients"),
        ({"to": [7.5]}, "invalid_recipient"),
        ({"to": [str(number) for number in range(10_001)]}, "too_many_recipients"),
    ],
    ids=["misnamed", "JSON in a string", "bad", "too many"],
)
async def test_an_event_of_which_nothing_could_be_expanded_is_a_dead_letter_with_a_status(stores, data, reason) -> None:
    record = event(data)
    await carry(await stores.expander(), record)
    (letter,) = stores.publisher.on(TOPICS.events_dlq)
    assert letter.value == record.value
    assert dict(letter.headers)["error_code"] == reason.encode()
    state, whole = statuses(stores)[0]
    assert (state, whole["event"], whole["reason"], whole["dead_letter"]) == (
        "not_expanded",
        EVENT,
        reason,
        TOPICS.events_dlq,
    )
    assert ("order.shipped", reason) in [found[:2] for found in left_out(stores)]


@pytest.mark.parametrize("to", [[], None])
async def test_an_event_that_names_nobody_is_for_nobody(stores, to) -> None:
    await carry(await stores.expander(), event({"to": to}))
    ((state, whole),) = statuses(stores)
    assert (state, whole["reason"], whole["workflows"]) == ("expanded", "nobody_named", ["order.shipped v3"])
    assert not stores.publisher.on(TOPICS.events_dlq)


async def test_an_event_that_starts_nothing_says_so(stores) -> None:
    await carry(await stores.expander(), a.event_record(type="com.example.unknown"))
    ((state, whole),) = statuses(stores)
    assert (state, whole["reason"], whole["workflows"]) == ("expanded", "no_workflow", [])


async def test_a_dead_event_sent_again_is_expanded_anew(stores) -> None:
    """By the workflow as it is by then."""
    stores.catalog.publish("default", a.workflow(version=4, on=(TYPE,), recipients="data.nobody"))
    await carry(await stores.expander(), a.event_record(offset=5))
    assert not stores.notified
    stores.catalog.publish("default", a.workflow(version=5, on=(TYPE,), recipients="data.to"))
    await carry(await stores.expander(), a.event_record(offset=6))
    assert stores.notified == [("ada", 5)]
    await carry(await stores.expander(), a.event_record(offset=7))
    assert stores.notified == [("ada", 5)], "alive again: the next is a duplicate"
    await carry(await stores.expander(), a.event_record(offset=5))
    assert len(stores.publisher.on(TOPICS.events_dlq)) == 1, "an old record's replay does not end the new life"
    await carry(await stores.expander(), a.event_record(offset=6))
    assert stores.notified == [("ada", 5)] * 2, "a replay of the record that counts is carried out"
    assert len({dict(output.headers)["ce_id"] for output in stores.publisher.on(TOPICS.statuses)}) == 3


async def test_an_event_of_a_higher_generation_is_expanded_again(stores) -> None:
    """What was left out gets its turn; what went out before has the ids that it had."""
    stores.catalog.publish("default", audit("data.no.such"))
    data = {"to": ["ada"], "auditors": ["eve"]}
    await carry(await stores.expander(), event(data, offset=5))
    stores.catalog.publish("default", audit(version=2))
    again = event(data, offset=6)
    again.headers.append(("carillon_generation", b"1"))
    await carry(await stores.expander(), again)
    await carry(await stores.expander(), again._replace(offset=7))
    assert sorted(stores.notified) == [("ada", 3), ("ada", 3), ("eve", 2)]
    ids_of_ada = {found.id for found in stores.notifications if found.user == "ada"}
    assert len(ids_of_ada) == 1


async def test_nobody_is_told_whom_another_workflow_names(stores) -> None:
    stores.catalog.publish("default", audit("data.deep.auditors"))
    stores.catalog.publish("default", a.workflow(key="order.owner", on=(TYPE,), recipients="data.owner"))
    stores.catalog.publish("default", a.workflow(key="order.customer", on=(TYPE,), recipients="data.customer"))
    stores.catalog.publish("default", a.workflow(key="order.wrong", on=(TYPE,), recipients="data.lines"))
    people = [{"email": "eve@example.com"}, "mallory"]
    data = {
        "to": ["ada"], "deep": {"auditors": people, "kept": 1}, "owner": {"email": "olga@example.com"}, "customer": "carl",
        "lines": [{"sku": "A"}],
    }  # fmt: skip
    await carry(await stores.expander(), event(data))
    seen = {found.workflow: orjson.loads(bytes(found.data)) for found in stores.notifications}
    told = {"deep": {"kept": 1}, "customer": "carl", "lines": [{"sku": "A"}]}
    assert seen == {
        "order.shipped": told,
        "order.audit": told,
        "order.customer": told,
        "order.owner": told | {"owner": {"email": "olga@example.com"}},
    }


@pytest.mark.parametrize("actor", ["42", 42, {"id": "42"}], ids=repr)
async def test_an_actor_has_the_form_of_a_user_id_however_it_is_written(stores, actor) -> None:
    stores.catalog.publish("default", a.workflow(version=4, on=(TYPE,), recipients="data.to", actor="data.by"))
    await carry(await stores.expander(), event({"to": ["42", "ada"], "by": actor}))
    assert {found.actor for found in stores.notifications} == {"42"}


@pytest.mark.parametrize("actor", [True, 1.5, None, [], {"name": "x"}, "", "a\n"], ids=repr)
async def test_what_is_no_user_is_no_actor(stores, actor) -> None:
    stores.catalog.publish("default", a.workflow(version=4, on=(TYPE,), recipients="data.to", actor="data.by"))
    await carry(await stores.expander(), event({"to": ["ada"], "by": actor}))
    assert {found.actor for found in stores.notifications} == {None}


async def test_what_was_left_out_is_stored_beside_what_was_not(stores) -> None:
    stores.catalog.publish("default", audit("data.no.such"))
    await carry(await stores.expander(), event({"to": ["ada", ""]}))
    await carry(await stores.expander(), event({"to": ["ada", ""]}))
    assert [decode_record(output.value).user for output in stores.publisher.on(TOPICS.notifications)] == ["ada", "ada"]
    assert len(left_out(stores)) == 4, "a replay says it again"
