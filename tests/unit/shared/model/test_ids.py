"""Derived ids: stable for ever, and different for what is different."""

from __future__ import annotations

from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from shared.model import ids
from shared.model.channels import Channel
from shared.model.deliveries import DeliveryState

PART = st.text(st.characters(exclude_categories=("C", "Z")), max_size=6)
LISTS = st.lists(PART, min_size=1, max_size=5)


def test_ids_never_change() -> None:
    event = ids.event_id("acme", "/shop", "1")
    assert event == "2288c2ae-80f7-5ebb-a296-bccd55c7953c"
    assert ids.notification_id(event, "order.shipped", "ada") == "2aa8bd58-10ce-520a-82bf-738d9fbd64cf"
    assert ids.delivery_id("n", 0, "email", "default") == "9c26a6c1-ac83-5cd0-ad83-57689f35c7f1"
    assert ids.user_key("acme", "ädä") == "acme:ädä".encode()


@given(PART, LISTS)
def test_it_is_the_uuid5_of_the_standard(kind: str, parts: list[str]) -> None:
    assert UUID(ids.derive(kind, *parts)) == uuid5(UUID(str(ids.NAMESPACE)), ids.SEPARATOR.join([kind, *parts]))


@given(PART, LISTS, PART, LISTS)
def test_other_parts_other_id(kind: str, parts: list[str], other_kind: str, other_parts: list[str]) -> None:
    same = (kind, parts) == (other_kind, other_parts)
    assert (ids.derive(kind, *parts) == ids.derive(other_kind, *other_parts)) == same


def test_moving_a_border_changes_the_id() -> None:
    assert (
        len(
            {
                ids.event_id("a", "bc", "d"),
                ids.event_id("ab", "c", "d"),
                ids.event_id("a", "b", "cd"),
                ids.event_id("abc", "", "d"),
            }
        )
        == 4
    )


def test_the_same_parts_of_another_kind_are_another_id() -> None:
    made = [
        ids.event_id("a", "b", "c"), ids.notification_id("a", "b", "c"), ids.step_id("a", 1, "c"), ids.delivery_id("a", 1, "c", "d"),
        ids.decision_id("a", 1, 2), ids.hold_id("a", "c", 1, 2), ids.status_id("a", 1, 2, "c"), ids.inline_user_id("a"),
    ]  # fmt: skip
    assert len(set(made)) == len(made)


def test_a_generation_is_no_pass() -> None:
    assert ids.decision_id("a", 1, 0) != ids.decision_id("a", 0, 1)
    assert ids.hold_id("a", "retry", 1, 0) != ids.hold_id("a", "retry", 0, 1)
    assert ids.status_id("a", 1, 11, "x") != ids.status_id("a", 11, 1, "x")


def test_an_inline_person_keeps_the_id_that_earlier_versions_gave() -> None:
    assert ids.inline_user_id("ada@example.com") == ids.derive("person", "ada@example.com")


def test_ids_that_are_written_out_are_the_derived_ones() -> None:
    parts = ("a", "b", Channel.IN_APP, "d")
    assert ids.event_id(*parts[:3]) == ids.derive("event", *parts[:3])
    assert ids.notification_id(*parts[:3]) == ids.derive("notification", *parts[:3])
    assert ids.delivery_id(*parts) == ids.derive("delivery", *parts)
    assert ids.decision_id("a", 1, 2) == ids.derive("decision", "a", 1, 2)
    assert ids.status_id("a", 1, 2, DeliveryState.SENT) == ids.derive("status", "a", 1, 2, "sent")
