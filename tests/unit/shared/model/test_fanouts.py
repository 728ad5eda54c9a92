"""What a fan-out is made of, and its records."""

from __future__ import annotations

import msgspec
import pytest

from shared.model import formats
from shared.model.errors import Invalid, InvalidRecord
from shared.model.fanouts import MAX_DATA, FanoutPage, decode_page, fanout_id, page_output, start_outputs
from shared.model.formats import NewerFormat
from shared.model.profile_lookup import profile_lookup
from shared.model.profiles import Preferences
from shared.model.topics import Topics
from tests.support import samples as a
from tests.support.fanouts import of_list, of_topic

TOPICS = Topics()


def test_its_id_is_the_events_and_the_workflows() -> None:
    assert of_topic().id == of_topic("another").id == fanout_id("e-1", "order.shipped")
    assert of_topic(event_id="e-2").id != of_topic().id


def test_a_list_names_everybody_once() -> None:
    assert [each.id for each in of_list(["b", "a", "b"]).listed] == ["b", "a"]


def test_more_data_than_the_longest_list_may_have_is_refused() -> None:
    of_topic(data=b"x" * MAX_DATA)
    with pytest.raises(Invalid, match="bytes of data"):
        of_topic(data=b"x" * (MAX_DATA + 1))


def test_starting_twice_writes_the_same() -> None:
    assert start_outputs(TOPICS, of_topic()) == start_outputs(TOPICS, of_topic())


def test_a_page_comes_back_from_its_record() -> None:
    page = FanoutPage(fanout=fanout_id("e-1", "w"), page=3, cursor="u\u00e9", recipients=1000, skipped=2)
    output = page_output(TOPICS, page)
    assert (output.topic, output.key) == ("carillon.fanouts.v1", page.fanout.encode())
    assert decode_page(output.value) == page


@pytest.mark.parametrize("raw", [None, b"", b"[]", b'{"page":1}'])
def test_what_is_none_is_refused(raw) -> None:
    with pytest.raises(InvalidRecord):
        decode_page(raw)


@pytest.mark.parametrize("rest", [b'"fanout":"f"', b'"fanout":{"new":1}'])
def test_a_newer_one_waits(rest) -> None:
    with pytest.raises(NewerFormat):
        decode_page(b'{%b,"format":%d}' % (rest, formats.FORMAT + 1))


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("profile.locale", "de"),
        ("profile.id", "ada"),
        ("profile.addresses", ["email", "webhook"]),
        ("profile.addresses.email", "ada@example.com"),
        ("profile.preferences.workflows.order.shipped", False),
    ],
)
def test_conditions_find_what_stands_in_a_profile(path, found) -> None:
    preferences = Preferences(workflows={"order.shipped": False})
    assert profile_lookup(a.profile(locale="de", preferences=preferences))(path) == found


@pytest.mark.parametrize("path", ["profile.name", "data.locale", "profile.locale.deeper", "profile.no.such"])
def test_they_find_nothing_elsewhere(path) -> None:
    assert profile_lookup(a.profile(locale="de"))(path) is msgspec.UNSET
