"""The models of the request bodies: every field with every wrong type, size and encoding, and what is told."""

from __future__ import annotations

from typing import Any

import pytest

from services.ingest.models.body import InvalidFields, example, read
from services.ingest.models.notifications import CancelRequest, SendRequest, read_send
from services.ingest.models.profiles import read_profile
from shared.model import ids
from shared.model.local_times import LocalTime
from shared.model.trace_context import traceparent

NOW = 1_767_600_000_000  # 2026-01-05T08:00:00Z
EARLIER = "0b0f3d5c-3c43-5f3e-9a55-7d1d0c6f9a10"
SEND = {"workflow": "chat.new_message", "recipients": ["ada"]}


def pointers(body: Any) -> list[str]:
    with pytest.raises(InvalidFields) as caught:
        read_send(body, NOW)
    return [pointer for pointer, _ in caught.value.pointers]


WRONG_SEND = [
    ("workflow", (None, 1, "", "Upper", "a b", "a..b", "x" * 201, "a\n", [], "chat.", "ä"), "/workflow"),
    ("recipients", (None, [], {}, "ada", 7, ["a"] * 10_001, True), "/recipients"),
    (
        "recipients",
        (
            [7], [None], [""], ["a\nb"], ["x" * 201], [["a"]], [{}], [{"id": "a", "email": "a@example.com"}], [{"name": "A"}],
            [{"email": "a@example.com", "fax": "1"}], [{"email": 7}], [True], [1.5],
        ),
        "/recipients/0",
    ),
    ("recipients", ([{"id": 7}], [{"id": ""}]), "/recipients/0/id"),
    (
        "recipients",
        tuple(
            [{"email": address}]
            for address in (
                "a", "a@", "@b.c", "A <a@b.c>", "a@b.c\r\nBcc: x@y.z", "a@b.c,d@e.f", "alice@example.org)bob@evil.com",
                "a@b..c", ".a@b.c", "a@-b.c", "x" * 65 + "@b.c", "a@" + "b." * 130 + "c", "ä@b.c", '"a"b"@c.d', "a@b.c ", " a@b.c",
                "a@b@c.d",
            )
        ),
        "/recipients/0/email",
    ),
    (
        "recipients",
        tuple([{"phone": number}] for number in ("1", "+0123456789", "004915112345678", "+49 151 12345678", "+49151x", "+999123456789")),
        "/recipients/0/phone",
    ),
    (
        "recipients",
        tuple(
            [{"webhook": url}]
            for url in (
                "example.com", "ftp://a.b/c", "http://", "http://u:p@a.b/", "http://u@a.b/", "http://a b/", "http://a.b/\r\nX: y",
                "http://ä.de/", "javascript:alert(1)", "http://[::1/", "http://a.b:99999/", "http://a.b:x/", "https://a.b/#f",
                "http://a.b/" + "x" * 2048, "http:\\\\a.b", "http:///path",
            )
        ),
        "/recipients/0/webhook",
    ),
    ("recipients", ([{"email": "a@b.c", "locale": "english!"}], [{"email": "a@b.c", "locale": "x" * 40}]), "/recipients/0/locale"),
    ("recipients", ([{"email": "a@b.c", "zone": "Mars/Base"}], [{"email": "a@b.c", "zone": ""}]), "/recipients/0/zone"),
    ("recipients", ([{"email": "a@b.c", "name": "A\r\nB"}], [{"email": "a@b.c", "name": "x" * 201}]), "/recipients/0/name"),
    ("data", ([], "x", 7, True), "/data"),
    ("actor", (7, "", "x" * 201, "a\0b", []), "/actor"),
    (
        "deliver_at",
        (1, "", "tomorrow", "2026-01-05", "2026-01-05T08:00:00", "2026-13-05T08:00:00Z", "2026-01-05T25:00:00Z",
         "2028-01-05T08:00:00Z", "9999-12-31T23:59:59-23:59", "2026-01-05T08:00:00+99:99", [], "２026-01-05T08:00:00Z"),
        "/deliver_at",
    ),
    ("deliver_at", ({"local": "09:00", "date": "2028-01-05"},), "/deliver_at"),
    (
        "deliver_at",
        tuple(
            {"local": local, "date": "2026-01-06"}
            for local in ("9:00", "24:00", "09:60", "", 9, None, "09:00:00", "0９:00")
        ),
        "/deliver_at/local",
    ),
    (
        "deliver_at",
        tuple(
            {"local": "09:00", "date": date}
            for date in ("2026-02-29", "2026-13-01", "20260106", "", 7, None, "2026-1-6", "0000-01-01", "2026-W01-1")
        ),
        "/deliver_at/date",
    ),
    ("deliver_at", ({"local": "09:00"},), "/deliver_at/date"),
    ("deliver_at", ({"local": "09:00", "date": "2026-01-06", "zone": "UTC"},), "/deliver_at/zone"),
    ("expires_at", (1, "never", "2026-01-05T08:00:00Z", "2020-01-05T08:00:00Z", "2028-01-05T08:00:00Z"), "/expires_at"),
    ("cancellation_key", (7, "", "x" * 201, "a\nb", []), "/cancellation_key"),
    ("supersedes", (7, "", "message-17", EARLIER.upper(), EARLIER[:-1], []), "/supersedes"),
    ("priority", (7, "", "HIGH", "higher", [], True), "/priority"),
    ("tenant", ("default",), "/tenant"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value", "pointer"),
    [(field, value, pointer) for field, values, pointer in WRONG_SEND for value in values],
    ids=lambda part: repr(part)[:40],
)
def test_a_wrong_field_is_named(field: str, value: Any, pointer: str) -> None:
    assert pointers(SEND | {field: value}) == [pointer]


@pytest.mark.parametrize("body", [None, [], "x", 7, True])
def test_the_body_is_an_object(body: Any) -> None:
    assert pointers(body) == [""]


def test_all_faults_are_told_at_once() -> None:
    body = {"workflow": 1, "recipients": [7, "ada", {}], "data": 1, "prioritty": "high", "expires_at": "x"}
    assert pointers(body) == ["/prioritty", "/workflow", "/recipients/0", "/recipients/2", "/data", "/expires_at"]
    assert pointers({}) == ["/workflow", "/recipients"]


TOLD = [
    ({}, "/workflow", "is required: the key of a published workflow, as chat.new_message"),
    (
        SEND | {"recipients": []},
        "/recipients",
        "has 0 entries, at least 1 is needed: 1 to 10000 user ids or inline people; or an audience: {topic}, or {users: all}",
    ),
    (
        SEND | {"recipients": ["a"] * 10_001},
        "/recipients",
        "has 10001 entries, at most 10000 are taken: 1 to 10000 user ids or inline people; or an audience: {topic}, or {users: all}",
    ),
    (SEND | {"data": 7}, "/data", "must be an object, as {...}: what the templates show"),
    (
        SEND | {"priority": "higher"},
        "/priority",
        "must be one of 'low', 'normal', 'high' or 'urgent': how urgent, instead of the workflow's",
    ),
    (SEND | {"reciepients": []}, "/reciepients", 'unknown field; did you mean "recipients"?'),
    (SEND | {"a/b~" + "c" * 200: 1}, "/a~1b~0" + "c" * 96, "unknown field"),
    ([], "", "must be an object, as {...}"),
]


@pytest.mark.parametrize(("body", "pointer", "detail"), TOLD)
def test_an_error_says_what_would_be_right(body: Any, pointer: str, detail: str) -> None:
    with pytest.raises(InvalidFields) as caught:
        read_send(body, NOW)
    assert caught.value.pointers[0] == (pointer, detail)


def test_a_misspelt_field_is_compared_with_its_own_objects_fields() -> None:
    window = {"from": "22:00", "until": "07:00", "day": ["mon"]}
    body = {"addresses": {"mail": "x"}, "quiet_hours": {"windows": [window], "zon": "x"}, "locales": "en"}
    with pytest.raises(InvalidFields) as caught:
        read_profile(body, "default", "ada", NOW)
    assert dict(caught.value.pointers) == {
        "/addresses/mail": 'unknown field; did you mean "email"?',
        "/quiet_hours/windows/0/day": 'unknown field; did you mean "days"?',
        "/quiet_hours/zon": 'unknown field; did you mean "zone"?',
        "/locales": 'unknown field; did you mean "locale"?',
    }


def test_no_more_errors_are_told_than_can_be_read() -> None:
    with pytest.raises(InvalidFields) as caught:
        read_send(SEND | {f"field{number}": 1 for number in range(500)}, NOW)
    assert len(caught.value.pointers) == 100
    assert caught.value.detail == "500 fields are not valid"


def test_it_expires_after_it_is_due() -> None:
    times = {"deliver_at": "2026-01-06T08:00:00Z", "expires_at": "2026-01-06T09:00:00+01:00"}
    assert pointers(SEND | times) == ["/expires_at"]


def test_it_expires_after_the_last_zone_has_shown_its_time() -> None:
    local = {"deliver_at": {"local": "09:00", "date": "2026-01-06"}}
    assert pointers(SEND | local | {"expires_at": "2026-01-06T09:00:00-12:00"}) == ["/expires_at"]
    sent = read_send(SEND | local | {"expires_at": "2026-01-06T09:00:01-12:00"}, NOW)
    assert (sent.instant, sent.local_time) == (None, LocalTime(time="09:00", date="2026-01-06"))


def test_everything_is_read() -> None:
    sent = read_send(
        example(SendRequest) | {"deliver_at": "2026-01-05T09:00:00+01:00", "expires_at": "2026-01-05T08:00:01.5Z"}, NOW
    )
    assert (sent.workflow, sent.actor, sent.priority) == ("chat.new_message", "grace", "high")
    assert [person.id for person in sent.recipients] == ["ada", ids.inline_user_id("bob@example.com")]
    assert (sent.deliver_at, sent.expires_at) == (NOW, NOW + 1500)
    assert sent.data == {"text": "Hello"}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"cancellation_key": 7},
        {"cancellation_key": ""},
        {"cancellation_key": "a", "b": 1},
        {"cancellation_key": "a", "withdraw": "yes"},
        [],
    ],
)
def test_a_cancel_needs_its_key(body: Any) -> None:
    with pytest.raises(InvalidFields):
        read(CancelRequest, body)
    assert read(CancelRequest, {"cancellation_key": "k"}).cancellation_key == "k"
    assert [read(CancelRequest, {"cancellation_key": "k"} | more).withdraw for more in ({}, {"withdraw": True})] == [
        False,
        True,
    ]


def test_traceparent() -> None:
    good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert traceparent(good) == good
    for bad in (
        None,
        "",
        "x",
        good.upper(),
        good[:-1],
        "ff" + good[2:],
        good.replace("0af7651916cd43dd8448eb211c80319c", "0" * 32),
    ):
        assert traceparent(bad) is None
