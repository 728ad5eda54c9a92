"""The pure parts of the gateway's benchmark: its messages, its table."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from bench.gateway import PEERS, Runs, rows
from bench.gateway_clients import Latency
from bench.gateway_items import EVERYONE, ITEM, PENDING, Kind, Template, batch, event, padded
from bench.gateway_lines import cpu_us
from bench.gateway_measures import FULL, SMALL, Costs, Paced
from bench.gateway_sides import OURS, OURS_KAFKA, SIDES, credentials
from shared.model import inbox
from shared.model.topics import PARTITIONS

SOCKETS = 30


def test_an_item_is_an_inbox_item_and_what_the_load_client_reads_stands_side_by_side() -> None:
    filled = Template().fill(17, 4, 123)

    (item,) = inbox.decode(event(filled)).items
    assert item.offset == 10_000_000_004
    assert b'"n":"0000000004","u":"000017","stamp":"0000000000000123"' in bytes(item.data)
    assert json.loads(filled)["data"]["n"] == "0000000004"


def test_a_padded_item_is_longer_and_still_one() -> None:
    long = padded(100).fill(1, 2)

    assert len(long) == len(Template().fill(1, 2)) + 100 == len(ITEM) + 100
    assert json.loads(long)["data"]["u"] == "000001"


@pytest.mark.parametrize("kind", Kind)
def test_every_user_gets_each_number_once(kind: Kind) -> None:
    messages = batch(kind, SOCKETS, 5, Template())

    found = Counter((user, json.loads(item)["data"]["n"]) for user, item in messages)
    users = [EVERYONE] if kind is Kind.BROADCAST else range(SOCKETS)
    numbers = range(5, 5 + (PENDING if kind is Kind.COALESCED else 1))
    assert found == {(user, f"{number:010}"): 1 for user in users for number in numbers}


def test_messages_come_as_kafka_gives_them_by_partition_and_then_by_number() -> None:
    messages = batch(Kind.COALESCED, SOCKETS, 0, Template())

    order = [(user % PARTITIONS, json.loads(item)["data"]["n"]) for user, item in messages]
    assert order == sorted(order)


def latency(p99: int) -> Latency:
    return Latency(count=10, p50=p99 // 2, p99=p99, p999=p99, worst=p99)


def found() -> Runs:
    runs = Runs()
    runs.rate = 20_000
    for at, name in enumerate(SIDES, 1):
        runs.costs[name] = [Costs(us=dict.fromkeys(Kind, 10.0 * at), lost=at == 1, doubled=0)]
        if SIDES[name].idles:
            runs.idle[name] = [10.0 * at]
        runs.paced[name] = [
            Paced(all_read=latency(1_000 * at), some_stopped=latency(2_000 * at), lost=0, doubled=0)
        ]  # fmt: skip
    return runs


def test_the_table_has_each_row_beside_each_peer() -> None:
    table = rows(found())

    by_name = {(row.what, row.peer_name): row for row in table}
    for what in ("broadcast", "unicast", "coalesced"):
        assert {peer for name, peer in by_name if name == what} == set(PEERS)
        assert {row.lost for (name, _), row in by_name.items() if name == what} == {1}
    assert by_name["unicast", "c send loop"].ratio == 5
    assert by_name["unicast, Kafka read as well", "c send loop"].ratio == 2.5
    assert {peer for name, peer in by_name if name == "idle socket"} == {"python-socketio", "centrifuge"}
    assert len(by_name) == len(table)


def test_latency_stands_beside_centrifuge_and_stopped_readers_beside_nobody_stopped() -> None:
    by_name = {(row.what, row.peer_name): row for row in rows(found())}

    at = "20,000 msg/s to 1,000 sockets"
    assert by_name[f"{at}: p99", "centrifuge"].ratio == 3
    assert by_name[f"{at}, 100 of them not reading: p99 of ours", "ours, all reading"].ratio == 0.5


def test_a_smoke_run_does_less() -> None:
    assert SMALL.batches.keys() == FULL.batches.keys() == set(Kind)
    assert all(SMALL.batches[kind] < FULL.batches[kind] for kind in Kind)


def test_only_ours_looks_at_tokens() -> None:
    assert {name for name, side in SIDES.items() if side.has_tokens} == {OURS, OURS_KAFKA}
    assert credentials(SIDES["centrifuge"], 2) == ["user-0", "user-1"]


def test_processor_time_is_that_of_the_process() -> None:
    assert 0 < cpu_us(int(Path("/proc/self").resolve().name)) < 1e9
