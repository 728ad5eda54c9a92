"""Records and holds: what is written is what is read, what cannot be read is refused."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.channels import Channel
from shared.model.deliveries import Delivery
from shared.model.errors import InvalidRecord
from shared.model.holds import Cause, Hold
from shared.model.notifications import Contact, Priority
from shared.model.records import Kind, Record, decode_delivery, decode_record, encode, notify, profile_changed
from shared.model.timestamps import from_datetime
from shared.mongo.hold_rows import hold_row
from tests.support import samples as a

TEXT = st.text(max_size=8)
TIME = st.integers(0, 2**53)
NOTIFICATION = st.builds(
    a.notification, user=TEXT, accepted_at=TIME, expires_at=TIME, deliver_at=st.none() | TIME, priority=st.sampled_from(Priority),
    cancellation_key=st.none() | TEXT, cancel_count=st.integers(0, 9), contact=st.none() | st.builds(Contact, addresses=st.dictionaries(TEXT, TEXT), name=TEXT),
    data=st.sampled_from([b"null", b'{"a":[1,2.5,"x"]}', '"ä"'.encode()]).map(msgspec.Raw),
)  # fmt: skip
DELIVERY = st.builds(
    a.delivery, notification=NOTIFICATION, channel=st.sampled_from(Channel), attempts=st.integers(0, 9), endpoint=TEXT,
    generation=st.integers(0, 3), pass_=st.integers(0, 99), valid_until=st.none() | TIME,
)  # fmt: skip
RECORD = st.builds(
    Record, kind=st.sampled_from([kind for kind in Kind if kind is not Kind.PROFILE_CHANGED]), tenant=TEXT, user=TEXT, subject=TEXT,
    generation=st.integers(0, 3), pass_=st.integers(0, 99), due=st.none() | TIME, notification=NOTIFICATION,
    channel=st.none() | st.sampled_from(Channel), step=st.none() | TEXT, delivery=st.none() | DELIVERY,
)  # fmt: skip


@given(RECORD, DELIVERY)
def test_round_trip(record: Record, delivery: Delivery) -> None:
    assert decode_record(encode(record)) == record
    assert encode(decode_record(encode(record))) == encode(record)
    assert decode_delivery(encode(delivery)) == delivery


def test_pass_is_called_pass_on_the_log() -> None:
    assert b'"pass":3' in encode(a.delivery(pass_=3))


@given(st.binary(max_size=60) | st.text('{}[]",:0123456789kindtes', max_size=60).map(str.encode))
def test_noise_is_refused(raw: bytes) -> None:
    for decode in (decode_record, decode_delivery):
        with pytest.raises(InvalidRecord):
            decode(raw)


WRAPPED = encode(notify(a.notification(data=msgspec.Raw(b"@"))))


@pytest.mark.parametrize(
    "raw",
    [None, b"", b"null", b"[]", b"{}", WRAPPED, WRAPPED.replace(b"@", b"NaN"), WRAPPED.replace(b"@", b'"\\ud800"'),
     WRAPPED.replace(b"@", b"[" * 200_000 + b"]" * 200_000), encode(notify(a.notification())).replace(b"notify", b"nothing")],
    ids=range(10),
)  # fmt: skip
def test_refused(raw: bytes | None) -> None:
    with pytest.raises(InvalidRecord):
        decode_record(raw)


def test_only_a_changed_profile_is_about_no_notification() -> None:
    changed = profile_changed("acme", "ada")
    assert decode_record(encode(changed)) == changed
    assert changed.about is None
    with pytest.raises(InvalidRecord, match="names no notification"):
        decode_record(encode(Record(kind=Kind.RELEASE, tenant="acme", user="ada", subject="s")))


def test_a_later_field_does_not_stop_an_older_reader() -> None:
    raw = encode(notify(a.notification()))[:-1] + b',"from_the_future":1}'
    assert decode_record(raw) == notify(a.notification())


def test_a_hold_as_it_is_stored() -> None:
    about = a.notification(cancellation_key="k", cancel_count=2)
    hold = Hold(cause=Cause.SCHEDULED, due=a.NOON + 1, record=msgspec.structs.replace(notify(about), pass_=1))
    row = hold_row(hold)
    assert decode_record(row["record"]) == hold.record
    assert from_datetime(row["due"]) == a.NOON + 1
    assert (row["_id"], row["tenant"], row["user"], row["notification"]) == (hold.id, "acme", "ada", a.ID)
    assert (row["cancellation_key"], row["cancel_count"]) == ("k", 2), "a cancel hastens only what it cancels"


def test_each_pass_and_cause_has_its_own_hold() -> None:
    made = {
        Hold(cause=cause, due=due, record=msgspec.structs.replace(notify(a.notification()), pass_=pass_, generation=generation)).id
        for cause in Cause for due in (1, 2) for pass_ in (0, 1) for generation in (0, 1)
    }  # fmt: skip
    assert len(made) == len(Cause) * 4, "the time is no part of it: held again at another time is the same hold"
