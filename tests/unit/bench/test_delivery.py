"""The pure parts of the delivery benchmark: its load, its sink's two protocols, its table."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import msgspec
import pytest

from bench import delivery_inboxes, delivery_mails, delivery_webhooks
from bench.delivery import CHANNELS, WAITING, counts
from bench.delivery_load import ENDPOINTS, USERS, deliveries, delivery
from bench.delivery_sides import Measured, compared
from bench.delivery_sink import HOSTS, HttpAnswers, Question, Receipts, SmtpAnswers, answer
from bench.machine import tree_pids
from bench.redis import GET_REDIS, find_redis
from bench.run import Options
from sandbox.artifacts import Missing
from services.delivery.channels.own_endpoint import endpoint_of, host_of
from shared.model.channels import Channel, Lane
from shared.model.notifications import Priority
from shared.model.records import decode_delivery, encode
from shared.process.clock import now_ms


class Wire:
    """What a protocol answers."""

    def __init__(self) -> None:
        self.said = b""
        self.is_closed = False

    def write(self, data: bytes) -> None:
        self.said += data

    def close(self) -> None:
        self.is_closed = True


def posted(number: int) -> bytes:
    body = b"x" * number
    return b"POST /hooks/1 HTTP/1.1\r\nHost: h\r\nWebhook-Id: d-%d\r\ncontent-length: %d\r\n\r\n%s" % (
        number,
        number,
        body,
    )


def spoken_to(protocol: Any, *portions: bytes) -> Wire:
    wire = Wire()
    protocol.connection_made(wire)
    for portion in portions:
        protocol.data_received(portion)
    return wire


@pytest.mark.parametrize("cut", [1, 7, 60, 1_000])
def test_posts_are_counted_however_their_bytes_come(cut: int) -> None:
    receipts = Receipts()
    everything = b"".join(posted(number) for number in (0, 1, 300, 1))
    portions = [everything[at : at + cut] for at in range(0, len(everything), cut)]

    wire = spoken_to(HttpAnswers(receipts, answer(204)), *portions)

    found = receipts.report(Question(ids=["d-300", "d-2"]))
    assert (found.received, found.distinct) == (4, 3)
    assert wire.said == b"HTTP/1.1 204 No Content\r\n\r\n" * 4
    assert found.at[1] is None
    assert found.first <= found.at[0] <= found.last


def test_an_answer_with_a_body_says_that_it_is_empty() -> None:
    assert answer(500) == b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize("cut", [1, 5, 1_000])
def test_mails_are_counted_by_their_message_id(cut: int) -> None:
    receipts = Receipts()
    mail = b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nSubject: x\r\nMessage-ID: <d-1@b>\r\n\r\nQUIT\r\n.\r\n"
    everything = b"EHLO b\r\n" + mail + mail.replace(b"d-1", b"d-2") + b"QUIT\r\n"

    wire = spoken_to(SmtpAnswers(receipts), *(everything[at : at + cut] for at in range(0, len(everything), cut)))

    assert (receipts.report(Question()).received, receipts.report(Question()).distinct) == (2, 2)
    assert [line[:4] for line in wire.said.splitlines()] == [
        b"220 ", b"250-", b"250 ", *[b"250 ", b"250 ", b"354 ", b"250 "] * 2, b"221 ",
    ]  # fmt: skip
    assert wire.is_closed


def test_webhooks_go_to_all_hosts_alike_and_each_endpoint_stays_on_one() -> None:
    found = list(deliveries(Channel.WEBHOOK, USERS, port=9))

    hosts = Counter(host_of(one) for one in found)
    assert hosts == {f"{host}:9": USERS // len(HOSTS) for host in HOSTS}
    assert ENDPOINTS <= len({endpoint_of(one) for one in found}) <= ENDPOINTS * len(HOSTS)
    assert len({one.id for one in found}) == USERS


def test_a_delivery_reads_back_and_an_urgent_one_is_another_in_the_other_lane() -> None:
    normal, urgent = (
        delivery(Channel.WEBHOOK, 1, now_ms(), priority=each) for each in (Priority.NORMAL, Priority.URGENT)
    )

    assert decode_delivery(encode(normal)) == normal
    assert normal.id != urgent.id
    assert (normal.lane, urgent.lane) == (Lane.NORMAL, Lane.EXPRESS)


def measured(per_second: float, *, lost: int = 0) -> Measured:
    return Measured(per_second=per_second, cpu_us=1e6 / per_second, all_cpu_us=2e6 / per_second, lost=lost, doubled=0)


def test_a_channel_stands_beside_its_peer_and_its_floor() -> None:
    runs = {"ours": [measured(1_000)], "celery": [measured(100, lost=2)], "floor": [measured(2_000)]}

    table = compared(delivery_webhooks.SIDES, runs)

    assert [(row.ratio, row.floor_ratio, row.lost) for row in table] == [(10, 0.5, 2)] * 3
    assert {row.peer_name for row in table} == {delivery_webhooks.SIDES.peer_name}


def test_mail_has_a_floor_alone() -> None:
    table = compared(delivery_mails.SIDES, {"ours": [measured(100)], "floor": [measured(200)]})

    assert [(row.peer, row.ratio, row.floor_ratio) for row in table] == [(None, None, 0.5)] * 3


@pytest.mark.parametrize("name", CHANNELS)
def test_each_side_of_a_channel_has_a_number_and_a_smoke_run_a_smaller_one(name: str) -> None:
    full, small = (counts(name, Options(runs=1, small=small, profile=None)) for small in (False, True))

    assert full.keys() == small.keys() >= {"ours", "floor"}
    assert CHANNELS[name].SIDES.peer in {None, *full}
    assert all(small[side] < full[side] for side in full)
    assert not CHANNELS.keys() & WAITING.keys()


def test_an_inbox_event_is_counted_by_its_item() -> None:
    class Message:
        def value(self) -> bytes:
            return msgspec.json.encode({"change": "created", "items": [{"id": "n-1"}]})

    assert delivery_inboxes.item_id(Message()) == "n-1"


def test_without_redis_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Missing, match=GET_REDIS):
        find_redis()


def test_a_process_counts_with_what_runs_below_it() -> None:
    assert os.getpid() in tree_pids(os.getppid())
    assert tree_pids(2**22 + 1) == [2**22 + 1]
