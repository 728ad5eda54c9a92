"""RFC 3339 (section 5.6): one reader for every time that comes in."""

from __future__ import annotations

import pytest

from carillon.cli.send import when
from services.ingest.models.notifications import read_send
from shared.model.errors import InvalidEvent
from shared.model.events import event
from shared.model.timestamps import parse_rfc3339, to_datetime

AT = parse_rfc3339("2026-12-01T08:00:00Z")
SAME = [
    "2026-12-01T08:00:00Z",
    "2026-12-01t08:00:00z",
    "2026-12-01T08:00:00.0Z",
    "2026-12-01T08:00:00.000000000123Z",
    "2026-12-01T10:00:00+02:00",
    "2026-12-01t02:30:00-05:30",
    "2026-12-01T08:00:00-00:00",
]
NONE = [
    "2026-12-01",
    "2026-12-01T08:00:00",
    "2026-12-01 08:00:00Z",
    "2026-12-01T08:00Z",
    "2026-12-01T08:00:00,5Z",
    "2026-12-01T24:00:00Z",
    "2026-12-01T08:60:00Z",
    "2026-12-01T08:00:00+0200",
    "2026-12-01T08:00:00+02",
    "2026-12-01T08:00:00+24:00",
    "2026-12-01T08:00:00+02:60",
    "2026-13-01T08:00:00Z",
    "2026-02-30T08:00:00Z",
    "20261201T080000Z",
    "2026-W49-2T08:00:00Z",
    "2026-12-01T08:00:00Z\n",
    "²026-12-01T08:00:00Z",
    "0000-12-01T08:00:00Z",
    "",
]


def deliver_at(text: str) -> int | None:
    """As `POST /v1/notifications` reads it."""
    body = {"workflow": "order.shipped", "recipients": ["ana"], "deliver_at": text}
    return read_send(body, AT - 1000).deliver_at


@pytest.mark.parametrize("text", SAME)
def test_every_reader_takes_what_the_standard_does(text: str) -> None:
    assert parse_rfc3339(text) == AT
    assert deliver_at(text) == AT
    assert when(text) == to_datetime(AT)
    read = event({"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "time": text}, b"{}")
    assert read.attributes["time"] == text


@pytest.mark.parametrize("text", NONE)
def test_every_reader_refuses_the_rest(text: str) -> None:
    with pytest.raises(ValueError, match="RFC 3339"):
        parse_rfc3339(text)
    with pytest.raises(Exception, match=r"not valid"):
        deliver_at(text)
    with pytest.raises(Exception, match=r"is no time"):
        when(text)
    with pytest.raises(InvalidEvent):
        event({"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "time": text}, b"{}")


def test_a_leap_second_is_the_last_moment_before_the_next_minute() -> None:
    assert parse_rfc3339("2016-12-31T23:59:60Z") == parse_rfc3339("2016-12-31T23:59:59Z")
    assert parse_rfc3339("2016-12-31t23:59:60.5z") == parse_rfc3339("2016-12-31T23:59:59.5Z")
