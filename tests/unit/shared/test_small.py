"""The small ones: timestamps, inbox rows, statuses, headers of dead letters, failpoints."""

from __future__ import annotations

import signal

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.dead_letters import dead_letter
from shared.model.inbox import Change, InboxEvent, InboxItem, decode, encode
from shared.model.outputs import KafkaRecord
from shared.model.statuses import Subject, status
from shared.model.timestamps import from_datetime, parse_rfc3339, rfc3339, to_datetime
from shared.mongo.inbox_rows import from_row, to_row
from shared.process import failpoints
from shared.process.failpoints import Failpoint, arm, failpoint, is_armed

TIME = st.integers(0, 4_102_444_800_000)
MAYBE = st.none() | TIME
TEXT = st.text(max_size=8)


@given(TIME)
def test_times_survive_every_form(ms: int) -> None:
    assert from_datetime(to_datetime(ms)) == ms
    assert parse_rfc3339(rfc3339(ms)) == ms


def test_rfc3339() -> None:
    assert rfc3339(1767607872131) == "2026-01-05T10:11:12.131Z"
    assert rfc3339(0) == "1970-01-01T00:00:00.000Z"
    assert parse_rfc3339("2026-01-05T12:11:12.131+02:00") == 1767607872131
    for text in ("2026-01-05T10:11:12", "2026-01-05", "soon", ""):
        with pytest.raises(ValueError, match=r"."):
            parse_rfc3339(text)


ITEM = st.builds(
    InboxItem, id=TEXT, workflow=TEXT, offset=st.integers(0, 2**53), created_at=TIME, title=TEXT, body=TEXT, type=st.none() | TEXT,
    url=st.none() | TEXT, actor=st.none() | TEXT, data=st.sampled_from([b"null", b'{"a":1}']).map(msgspec.Raw),
)  # fmt: skip


@given(ITEM, MAYBE, MAYBE)
def test_inbox_rows(item: InboxItem, read_at: int | None, deleted_at: int | None) -> None:
    row = to_row(item, delivery="d", tenant="acme", user="ada")
    assert row["_id"] == "d", "the delivery's id is the claim"
    assert from_row(row) == item
    row["read_at"] = None if read_at is None else to_datetime(read_at)
    row["deleted_at"] = None if deleted_at is None else to_datetime(deleted_at)
    changed = from_row(row)
    assert (changed.read_at, changed.deleted_at) == (read_at, deleted_at)
    event = InboxEvent(change=Change.READ, items=(changed,), at=5, unread=0, counted_to=7)
    assert decode(encode(event)) == event


def test_a_status_is_a_cloudevent_that_repeats_itself() -> None:
    def told(pass_: int = 1, state: str = "sent") -> dict[str, str]:
        output = status(
            "s",
            area="delivery",
            state=state,
            subject=Subject("d", 2, pass_),
            tenant="acme",
            user="ada",
            at=0,
            data={"x": 1},
        )
        assert (output.topic, output.key) == ("s", b"acme:ada")
        assert orjson.loads(output.value or b"") == {"user": "ada", "generation": 2, "pass": pass_, "x": 1}
        return {name: value.decode() for name, value in output.headers}

    assert told() == told()
    assert len({told()["ce_id"], told(pass_=2)["ce_id"], told(state="dead")["ce_id"]}) == 3
    assert {name: value for name, value in told().items() if name != "ce_id"} == {
        "ce_specversion": "1.0", "ce_source": "/carillon", "ce_type": "carillon.delivery.sent", "ce_subject": "d",
        "ce_time": "1970-01-01T00:00:00.000Z", "ce_tenant": "acme", "content-type": "application/json",
    }  # fmt: skip


def test_headers_of_a_dead_letter() -> None:
    record = KafkaRecord("t", 3, 9, b"k", b"v", [("own", b"1")], 0)
    letter = dead_letter("dlq", record, group="g", code="c", error_class="E", at=5, attempts=2)
    assert letter[:3] == ("dlq", b"k", b"v")
    assert letter.headers[0] == ("own", b"1")
    assert dict(letter.headers[1:]) == {
        "source_topic": b"t", "source_partition": b"3", "source_offset": b"9", "source_consumer_group": b"g", "attempts": b"2",
        "error_class": b"E", "error_code": b"c", "first_failed_at": b"5", "last_failed_at": b"5",
    }  # fmt: skip


def test_a_failpoint_fires_at_its_pass_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[int] = []
    monkeypatch.setattr(failpoints.os, "kill", lambda _, number: killed.append(number))
    try:
        arm("after_send:2")
        failpoint(Failpoint.AFTER_CLAIM)
        failpoint(Failpoint.AFTER_SEND)
        assert not killed
        assert is_armed(Failpoint.AFTER_SEND)
        failpoint(Failpoint.AFTER_SEND)
        assert killed == [signal.SIGKILL]
        failpoint(Failpoint.AFTER_SEND)
        assert killed == [signal.SIGKILL]
        assert not is_armed(Failpoint.AFTER_SEND)
        with pytest.raises(ValueError, match="nowhere"):
            arm("nowhere")
        arm(None)
        assert not is_armed(Failpoint.AFTER_SEND)
    finally:
        arm(None)
