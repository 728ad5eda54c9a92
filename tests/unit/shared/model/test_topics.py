"""The table of topics, and that nobody else spells a name."""

from __future__ import annotations

import re
from pathlib import Path

from carillon import kafka_client
from shared.model.channels import Channel, Lane
from shared.model.topics import INTERNAL_MAX_BYTES, PUBLIC_MAX_BYTES, Topics

ROOT = Path(__file__).parents[4]
SPELLED = re.compile(r"""["'](?:carillon|\{[^}"']*prefix\})\.[a-z_.{}]+\.v1["']""")


def test_every_name_stands_once() -> None:
    names = [row.name for row in Topics().table()]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"carillon\.[a-z_.]+\.v1", name) for name in names)


def test_every_name_has_a_row() -> None:
    topics = Topics("x")
    names = {row.name for row in topics.table()}
    assert {
        topics.events,
        topics.events_dlq,
        topics.notifications,
        topics.inbox,
        topics.statuses,
        topics.catalog,
    } <= names
    for channel in Channel:
        assert {topics.deliveries(channel, lane) for lane in channel.spec.lanes} | {
            topics.deliveries_dlq(channel)
        } <= names
    assert all(name.startswith("x.") for name in names)


def test_names_do_not_meet_across_prefixes_lanes_and_groups() -> None:
    assert not {row.name for row in Topics("a").table()} & {row.name for row in Topics("b").table()}
    assert Topics().deliveries(Channel.EMAIL) != Topics().deliveries(Channel.EMAIL, Lane.EXPRESS)
    assert Topics("a").group("router") != Topics("b").group("router")


def test_what_is_accepted_can_always_be_written_out() -> None:
    rows = Topics().table()
    assert all(row.max_message_bytes in (PUBLIC_MAX_BYTES, INTERNAL_MAX_BYTES) for row in rows)
    assert [row.name for row in rows if row.max_message_bytes == PUBLIC_MAX_BYTES] == [
        Topics().events,
        Topics().accepted_events,
    ]
    assert PUBLIC_MAX_BYTES * 4 <= INTERNAL_MAX_BYTES
    users = {row.partitions for row in rows if row.key == "tenant:user"}
    assert len(users) == 1, "a user is in the same partition of each"


def test_nobody_else_spells_a_topic() -> None:
    files = [path for folder in ("shared", "services", "carillon", "sandbox") for path in (ROOT / folder).rglob("*.py")]
    assert len(files) > 50
    spelling = {str(path.relative_to(ROOT)) for path in files if SPELLED.search(path.read_text())}
    # The client is a distribution of its own and imports nothing of the platform; what it spells is compared here.
    assert spelling == {"shared/model/topics.py", "carillon/kafka_client.py"}
    assert Topics().events == kafka_client.TOPIC
