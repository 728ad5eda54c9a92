"""The pure parts of the end-to-end benchmark: dialects, the ladder, what is late and what is lost, its table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from bench.chains import CASES, CHAINS, FLOOR, NAIVE, OURS, Case, Way
from bench.dialects import DIALECTS, DialectName
from bench.e2e import Runs, rows
from bench.ladder import TRIES, highest
from bench.run import Options, rounds
from bench.socket_clients import MOVING_SECONDS, Question, Received, Rest, rest
from bench.turn import Measured

RATES = (50, 100, 200, 400)


def limit_of(most: int, tried: list[int]) -> Callable[[int], Awaitable[bool]]:
    async def holds(rate: int) -> bool:
        tried.append(rate)
        return rate <= most

    return holds


@pytest.mark.parametrize(("most", "held"), [(10, 0), (50, 50), (250, 200), (9_999, 400)])
async def test_the_ladder_ends_below_the_rung_that_breaks(most: int, held: int) -> None:
    assert await highest(RATES, limit_of(most, [])) == held


async def test_nothing_above_a_broken_rung_is_tried() -> None:
    tried: list[int] = []
    await highest(RATES, limit_of(100, tried))

    assert tried == [50, 100, *[200] * TRIES]


async def test_a_rung_that_breaks_once_is_held() -> None:
    answers = iter([True, False, True, True, False, False])

    async def holds(_: int) -> bool:
        return next(answers)

    assert await highest(RATES, holds) == 200


def test_socketio_opens_connects_and_answers_pings() -> None:
    dialect = DIALECTS[DialectName.SOCKETIO]

    assert dialect.reply(b'0{"sid":"a","pingInterval":25000}', "abc") == b'40{"token":"abc"}'
    assert dialect.reply(b"2", "abc") == b"3"
    assert dialect.reply(b'40{"sid":"b"}', "abc") is None
    assert [dialect.welcomes(text) for text in (b'0{"sid":"a"}', b'40{"sid":"b"}', b'44{"message":"no"}')] == [
        False, True, False,
    ]  # fmt: skip
    assert b"EIO=4&transport=websocket" in dialect.target()


def test_carillon_names_its_token_in_the_handshake_and_says_nothing() -> None:
    dialect = DIALECTS[DialectName.CARILLON]

    assert dialect.headers("abc") == b"Sec-WebSocket-Protocol: carillon.v1, bearer.abc\r\n"
    assert dialect.welcomes(b'{"type":"hello","cursor":"x"}')
    assert not dialect.welcomes(b'{"type":"error"}')
    assert dialect.reply(b'{"type":"hello"}', "abc") is None


@pytest.mark.parametrize(
    "text",
    [
        b'{"type":"notification","data":{"n":"0300000007","stamp":"0000000000000001"}}',
        b'42["notification",{"_id":"x","data":{"n":"0300000007","stamp":"0000000000000001"}}]',
        b'{"id":"1:2:in_app","notification":{"data":{"n":"0300000007","stamp":"0000000000000001"}}}',
    ],
)
def test_a_notification_of_any_chain_is_counted_by_its_load(text: bytes) -> None:
    received = Received()
    received.take(5, text)

    assert received.counts[3] == {(300_000_007, 5): 1}
    assert len(received.latencies[3]) == 1


QUESTION = Question(load=0, expect=10, patience=15, limit=60)


@pytest.mark.parametrize(
    ("missing", "waited", "quiet", "said"),
    [
        (0, 0, 0, Rest.NONE),
        (-1, 100, 100, Rest.NONE),
        (1, 14, 14, None),
        (1, 15, 15, Rest.LOST),
        (1, 59, 0, None),
        (1, 60, 0, Rest.LATE),
        (1, 60, MOVING_SECONDS, None),
        (1, 75, 15, Rest.LOST),
    ],
)
def test_what_still_comes_is_late_and_what_stopped_is_lost(
    missing: int, waited: float, quiet: float, said: Rest | None
) -> None:
    assert rest(QUESTION, missing=missing, waited=waited, quiet=quiet) is said


def measured(p50: float, *, missed: int = 0, lost: int = 0) -> Measured:
    return Measured(p50=p50, p99=2 * p50, cpu_us=10 * p50, missed=missed, lost=lost, doubled=0)


def all_runs(naive: Measured, rung: Measured) -> Runs:
    runs = Runs()
    for chain, one in ((OURS, measured(10)), (NAIVE, naive), (FLOOR, measured(5))):
        for case in chain.cases:
            runs.cases[chain.name, case].append(one)
    runs.held |= {OURS.name: [400], NAIVE.name: [50]}
    runs.unseen.append(rung)
    return runs


def test_each_case_stands_beside_the_same_load_of_the_others() -> None:
    table = rows(all_runs(measured(40), measured(1)))

    single = [row for row in table if "one each" in row.what and "p50" in row.what]
    assert len(single) == 3
    assert {(row.ours, row.peer, row.ratio, row.floor, row.floor_ratio) for row in single} == {(10, 40, 4, 5, 0.5)}
    batches = [row for row in table if "0 each" in row.what]
    assert {(row.peer, row.floor_ratio) for row in batches} == {(None, 0.5)}
    assert (table[-1].ours, table[-1].peer, table[-1].ratio) == (400, 50, 8)
    assert not any("refused or late" in row.what for row in table)


def test_a_rate_that_was_not_held_is_said_and_its_processor_time_is_not() -> None:
    table = rows(all_runs(measured(40, missed=7), measured(1)))

    of_single = [row for row in table if "one each" in row.what]
    assert [row.peer for row in of_single if "processor" in row.what] == [None] * 3
    assert [(row.ours, row.peer) for row in of_single if "refused or late" in row.what] == [(0, 7)] * 3
    assert not any(row.lost for row in table)


def test_what_any_side_lost_is_in_the_table() -> None:
    assert [row.lost for row in rows(all_runs(measured(40, lost=2), measured(1)))[:3]] == [2, 2, 2]
    assert rows(all_runs(measured(40), measured(1, lost=3)))[-1].lost == 3


def test_chains_take_rising_loads_and_the_peers_know_one_way_in() -> None:
    for chain in CHAINS.values():
        assert [case.rate for case in chain.cases] == sorted(case.rate for case in chain.cases)
        assert {case.way for case in (*chain.cases, chain.warm_up)} <= set(chain.items)
    assert set(OURS.cases) == set(CASES)
    assert set(FLOOR.cases) == {case.direct for case in CASES}
    assert Case(Way.EVENTS, 100).direct == Case(Way.NOTIFICATIONS, 100)


def test_no_run_begins_that_would_not_end_in_time() -> None:
    options = Options(runs=3, small=False, profile=None)

    assert list(rounds(("a", "b"), options, budget_seconds=0)) == ["a", "b"]
    assert options.done == 1
    assert list(rounds(("a", "b"), options, budget_seconds=1e9)) == ["a", "b", "b", "a", "a", "b"]
    assert options.done == 3
