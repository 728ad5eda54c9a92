"""How topics may differ, and which differences keep a service waiting."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.model.access import SERVICES, grants
from shared.model.channels import Channel
from shared.model.topic_differences import FoundTopic, Severity, differences
from shared.model.topics import Topic, Topics

TOPICS = Topics(partitions=6)
ROWS = {row.name: row for row in TOPICS.table()}
ORDERED, EVENTS, CATALOG = (ROWS[name] for name in (TOPICS.notifications, TOPICS.events, TOPICS.catalog))


def as_made(row: Topic, copies: int = 1, **settings: str) -> FoundTopic:
    known = dict(row.settings_of(copies)) | {name.replace("_", "."): value for name, value in settings.items()}
    return FoundTopic(partitions=row.partitions, replication=copies, settings=known)


def told(row: Topic, found: FoundTopic | None, brokers: int = 1) -> list[tuple[str, Severity]]:
    known = {} if found is None else {row.name: found}
    return [(each.what, each.severity) for each in differences([row], known, brokers=brokers)]


@pytest.mark.parametrize("copies", [1, 3])
def test_what_was_made_by_the_table_differs_in_nothing(copies: int) -> None:
    found = {name: as_made(row, copies) for name, row in ROWS.items()}
    assert differences(ROWS.values(), found, brokers=copies) == []


def test_one_that_is_missing_is_waited_for() -> None:
    assert told(ORDERED, None) == [("topic", Severity.WRONG)]


def test_other_partitions_lose_order_where_there_is_one() -> None:
    assert told(ORDERED, replace(as_made(ORDERED), partitions=1)) == [("partitions", Severity.WRONG)]
    assert told(EVENTS, replace(as_made(EVENTS), partitions=1)) == [("partitions", Severity.WEAK)]


def test_copies_are_compared_with_the_brokers_that_there_are() -> None:
    assert told(ORDERED, as_made(ORDERED, 1), brokers=1) == []
    assert told(ORDERED, as_made(ORDERED, 1), brokers=3) == [("replication", Severity.WEAK)]
    found = as_made(ORDERED, 3, min_insync_replicas="1")
    assert told(ORDERED, found, brokers=5) == [("min.insync.replicas", Severity.WEAK)]


@pytest.mark.parametrize(
    ("row", "settings", "expected"),
    [
        (ORDERED, {"message_timestamp_type": "CreateTime"}, Severity.WRONG),
        (EVENTS, {"message_timestamp_type": "CreateTime"}, Severity.WEAK),
        (EVENTS, {"cleanup_policy": "compact"}, Severity.WRONG),
        (EVENTS, {"cleanup_policy": "compact,delete"}, Severity.WRONG),
        (CATALOG, {"cleanup_policy": "delete"}, Severity.WEAK),
        (ORDERED, {"max_message_bytes": "1048588"}, Severity.WEAK),
        (ORDERED, {"max_message_bytes": "99999999"}, None),
        (ORDERED, {"retention_ms": "3600000"}, Severity.WEAK),
        (ORDERED, {"retention_ms": "-1"}, None),
        (CATALOG, {"retention_ms": "3600000"}, Severity.WEAK),
        (EVENTS, {"compression_type": "producer"}, Severity.WEAK),
    ],
)
def test_settings(row: Topic, settings: dict[str, str], expected: Severity | None) -> None:
    [name] = settings
    found = told(row, as_made(row, **settings))
    assert found == ([(name.replace("_", "."), expected)] if expected else [])


def test_settings_that_are_not_shown_are_said() -> None:
    assert told(ORDERED, replace(as_made(ORDERED), settings=None)) == [("settings", Severity.WEAK)]


def test_each_says_how_to_mend_it() -> None:
    found = {ORDERED.name: as_made(ORDERED, message_timestamp_type="CreateTime")}
    [difference] = differences([ORDERED], found, brokers=1)
    assert str(difference) == f"{ORDERED.name}: message.timestamp.type is CreateTime, not LogAppendTime"
    assert f"--entity-name {ORDERED.name} --add-config message.timestamp.type=LogAppendTime" in difference.mend


def test_all_ordered_topics_have_the_same_partitions() -> None:
    assert {row.partitions for row in ROWS.values() if row.ordered} == {6}
    assert {row.partitions for row in Topics().table() if row.ordered} == {12}


def test_access_names_each_topic_and_group_of_a_service() -> None:
    given = list(grants(TOPICS))
    assert {grant.service for grant in given} == set(SERVICES)
    assert {grant.name for grant in given if grant.resource == "topic"} == ROWS.keys()
    groups = {grant.name for grant in given if grant.resource == "group"}
    lanes = sum(len(channel.spec.lanes) for channel in Channel)
    assert len(groups) == 3 + lanes
    assert {"carillon.router", "carillon.console", "carillon.delivery-in_app-normal"} <= groups
