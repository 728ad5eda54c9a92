"""The multi-channel queue from its audit log on: what it is joined to, what was to come later, and what it refuses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from carillon import ProblemError
from carillon.integrations.queue import QueueStatus
from tests.support.env import Harness
from tests.systems.chat_product import eventually
from tests.systems.complaints_office import VERIFIED, Office, recipient, seconds_between

SENT, FAILED = QueueStatus.SENT, QueueStatus.FAILED


# Audit logging


async def test_that_it_was_triggered_is_in_the_document_s_words(office: Office) -> None:
    to = recipient("email")
    queued = await office.queued("email", to, entity_id=123, template_id="complaint_verified", template_data=VERIFIED)
    metadata = {
        "notification_id": queued.notification_id,
        "channel": "email",
        "recipient": to,
        "priority": "normal",
        "max_retries": 3,
        "template_id": "complaint_verified",
    }
    triggered = {
        "entity_type": "complaint",
        "entity_id": 123,
        "action": "notification_triggered",
        "action_by_type": "system",
        "metadata": metadata,
    }
    assert queued.audit_row() == triggered
    kept = (await office.ends(queued)).audit_row()
    assert kept == triggered | {"metadata": metadata | {"recipient": kept["metadata"]["recipient"]}}
    assert to not in str(kept)


async def test_each_attempt_is_logged(office: Office) -> None:
    to = recipient("email")
    await office.fail("email", to, times=2)
    queued = await office.queued("email", to)
    await office.ends(queued)
    rows = [attempt.row() for attempt in await office.queue.get_attempts(queued)]
    assert [(row["attempt_number"], row["status"], row["error_message"]) for row in rows] == [
        (1, "retrying", "address: 451 4.3.0"),
        (2, "retrying", "address: 451 4.3.0"),
        (3, "sent", None),
    ]
    assert {row["notification_id"] for row in rows} == {queued.notification_id}
    assert rows[-1]["response_data"]["code"] == "250"


# Integration points


async def test_a_changed_status_and_an_escalation(office: Office) -> None:
    user, officer = recipient("email"), recipient("email")
    changed = {"complaint_number": "COMP-1", "old_status": "open", "new_status": "verified"}
    await office.queued("email", user, template_id="status_update", template_data=changed)
    await office.queued("email", officer, entity_id=123, template_id="escalation", priority="high")
    [told] = await office.messages("email", user)
    assert told["subject"] == "Complaint COMP-1: verified"
    assert "changed from open to verified" in told["text"]
    [escalated] = await office.messages("email", officer)
    assert escalated["subject"] == "Escalated: complaint 123"


# Monitoring


async def test_each_process_says_its_figures(office: Office, product: Harness) -> None:
    to = recipient("email")
    await office.fail("email", to, times=1)
    await office.ends(await office.queued("email", to))
    figures = {
        "router": ("carillon_lag_records", "carillon_chunk_seconds_count"),
        "scheduler": ("carillon_holds", "carillon_hold_lateness_seconds_count"),
        "delivery": (
            'carillon_delivery_lag_records{channel="email",lane="normal"}',
            'carillon_deliveries_total{channel="email",reason="none",state="sent"}',
            'carillon_delivery_attempts_bucket{channel="email",le="2.0",state="sent"}',
            'carillon_delivery_seconds_count{channel="email"}',
        ),
    }
    for service, names in figures.items():
        async with office.http.get(f"http://127.0.0.1:{product.services[service].health_port}/metrics") as answer:
            said = await answer.text()
        assert [name for name in names if f"\n{name}" not in said] == []


# Future enhancements


async def test_a_template_speaks_the_language_that_was_asked_for(office: Office) -> None:
    to = recipient("sms")
    await office.queued("sms", to, template_id="complaint_verified", template_data=VERIFIED, locale="de-AT")
    [message] = await office.messages("sms", to)
    assert message["text"] == "Ihre Beschwerde COMP-20260212-abc123 wurde bestätigt."


async def test_a_scheduled_one_waits_for_its_time(office: Office) -> None:
    to = recipient("email")
    queued = await office.queued("email", to, deliver_at=datetime.now(UTC) + timedelta(seconds=2))  # noqa: TID251  # the test's own clock
    row = await office.ends(queued)
    assert row.status is SENT
    assert row.created_at is not None
    assert row.sent_at is not None
    assert seconds_between(row.sent_at, row.created_at) > 1


async def test_who_does_not_want_it_by_a_channel_does_not_get_it(office: Office) -> None:
    to = recipient("email")
    profile = {"addresses": {"email": to}, "preferences": {"channel_types": {"email": False}}}
    await office.carillon.put_user(to.partition("@")[0], profile)
    row = await office.ends(await office.queued("email", to))
    assert (row.status, row.error_message) == (FAILED, "channel_opted_out")


async def test_what_failed_for_good_is_a_dead_letter_and_can_be_sent_again(office: Office) -> None:
    to = recipient("email")
    await office.fail("email", to)
    queued = await office.queued("email", to, max_retries=0)
    await office.ends(queued)

    async def kept() -> dict[str, Any] | None:
        found = await office.carillon.operate("GET", "/v1/dead-letters?workflow=complaints.message")
        return next((each for each in found["dead_letters"] if each["event_id"] == queued.id), None)

    letter = await eventually(kept)
    await office.heal()
    await office.carillon.operate("POST", f"/v1/dead-letters/{letter['id']}/redrive", {})
    assert len(await office.messages("email", to)) == 1
    assert (await office.until(queued, lambda row: row.status is SENT)).sent_at


async def test_a_webhook_is_told_what_becomes_of_it(office: Office) -> None:
    hook = f"{office.stack['urls']['sink']}/hooks/complaints"
    endpoint = f"{office.stack['urls']['ingest']}/v1/status-endpoints/complaints"
    key = {"Authorization": f"Bearer {office.stack['api_key']}"}
    wanted = {"url": hook, "events": ["carillon.delivery.*"]}
    async with office.http.put(endpoint, json=wanted, headers=key) as answer:
        assert answer.status in (200, 201), await answer.text()
    try:

        async def told() -> bool:
            queued = await office.queued("email")  # until the endpoint counts, which takes seconds
            await office.ends(queued)
            return any(queued.id in call["body"] for call in await office.calls("complaints"))

        await eventually(told)
    finally:
        await office.http.delete(endpoint, headers=key)


# Bad input


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"recipient": ""}, "recipient"),
        ({"channel": "fax"}, "channel"),
        ({"body": None}, "body, template_id"),
        ({"priority": "p1"}, "priority"),
    ],
)
async def test_what_is_no_request_is_refused_with_what_and_why(
    office: Office, wrong: dict[str, Any], named: str
) -> None:
    asked = {"entity_type": "complaint", "entity_id": 1, "channel": "email", "recipient": "a@b.example", "body": "Hi"}
    with pytest.raises(ValueError, match=f"^{named}: "):
        await office.queue.queue_notification(asked | wrong)


@pytest.mark.parametrize(
    ("channel", "more", "code", "pointer"),
    [
        ("email", {"template_id": "complaint_verifyed"}, "unknown_workflow", "/workflow"),
        ("email", {"template_id": "status_update"}, "invalid_data", "/data/complaint_number"),
        ("email", {"recipient": "nobody"}, "invalid_request", "/recipients/0/email"),
        ("sms", {"recipient": "12345"}, "invalid_request", "/recipients/0/phone"),
        ("email", {"max_retries": 31}, "invalid_request", "/max_retries"),
    ],
)
async def test_what_the_platform_cannot_send_is_refused_before_it_is_taken(
    office: Office, channel: str, more: dict[str, Any], code: str, pointer: str
) -> None:
    with pytest.raises(ProblemError) as refused:
        await office.queued(channel, **more)
    assert (refused.value.status, refused.value.code) == (422, code)
    assert pointer in dict(refused.value.errors)
