"""Which close code brings a socket back, when, and which ends it: the table of docs/sockets.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from carillon.errors import SocketEndedError
from carillon.sockets.endings import STABLE_SECONDS, UNKNOWN_FIX, Ending, Reconnects
from services.gateway.live.core.messages import CloseCode

TABLE = (Path(__file__).parents[3] / "docs" / "sockets.md").read_text().partition("## How a connection ends")[2]
ROWS = dict(re.findall(r"^\| (\d{4}) \|.*\| ([^|]+) \|$", TABLE, re.MULTILINE))


def longest(max_wait: float = 30.0) -> Reconnects:
    """Waits as long as it ever would."""
    return Reconnects(max_wait=max_wait, uniform=lambda _, most: most)


def test_the_table_is_read():
    assert {str(int(code)) for code in CloseCode} <= ROWS.keys()


@pytest.mark.parametrize("code", ROWS)
def test_each_code_does_what_the_table_says(code: str):
    ending = Ending(code=int(code), reason="r", lasted=1.0)
    if ROWS[code].startswith("come back"):
        assert longest().after(ending) > 0
    else:
        with pytest.raises(SocketEndedError) as raised:
            longest().after(ending)
        assert raised.value.fix != UNKNOWN_FIX


@pytest.mark.parametrize("code", [1000, 1001, 1005, 1006, 1011, 1014, 3000, 4000, 4099, 4399])
def test_below_4400_all_come_back(code: int):
    assert longest().after(Ending(code=code)) > 0


@pytest.mark.parametrize("code", [4402, 4403, 4499, 4500, 4999])
def test_what_a_newer_gateway_ends_for_good_ends(code: int):
    with pytest.raises(SocketEndedError, match=f"{code}: no reason. Next: install a newer"):
        longest().after(Ending(code=code))


def test_waits_double_up_to_their_bound_and_are_random_from_nothing():
    reconnects = longest(max_wait=4.0)
    assert [reconnects.after(Ending()) for _ in range(6)] == [0.5, 1.0, 2.0, 4.0, 4.0, 4.0]
    low = Reconnects(max_wait=4.0, uniform=lambda least, _: least)
    assert [low.after(Ending()) for _ in range(3)] == [0.0, 0.0, 0.0]


def test_thousands_of_failures_wait_no_longer():
    reconnects = longest()
    assert [reconnects.after(Ending()) for _ in range(5000)][-1] == 30.0


def test_only_a_connection_that_lasted_ends_a_row_of_failures():
    """A gateway that greets and falls over is not stormed."""
    reconnects = longest()
    for _ in range(4):
        waited = reconnects.after(Ending(lasted=STABLE_SECONDS - 1))
    assert waited == 4.0
    assert reconnects.after(Ending(lasted=STABLE_SECONDS)) == 0.5


def test_what_is_asked_for_is_waited_within_reason():
    assert longest().after(Ending(code=1012, after=3.5)) == 3.5
    assert longest().after(Ending(after=86_400.0)) == 300.0


def test_some_codes_ask_for_time():
    low = Reconnects(max_wait=4.0, uniform=lambda least, _: least)
    assert low.after(Ending(code=1013)) == 1.0
    assert low.after(Ending(code=4429)) == 5.0


def test_a_token_is_replaced_once_for_each_hello():
    refused, greeted = Ending(code=4401), Ending(code=4401, lasted=1.0)
    reconnects = longest()
    for ending in (refused, greeted, greeted, Ending()):
        reconnects.after(ending)
    with pytest.raises(SocketEndedError, match="token callback"):
        reconnects.after(refused)
