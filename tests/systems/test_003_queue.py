"""The multi-channel queue: what its users were promised, in the order of their document, from outside only."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from carillon.integrations.queue import NotificationRequest, QueuedNotification, QueueStatus
from tests.support.env import RETRIES
from tests.systems.chat_product import eventually
from tests.systems.complaints_office import VERIFIED, Office, recipient, seconds_between

PENDING, RETRYING, SENT, FAILED = QueueStatus
CHANNELS = ("email", "sms", "whatsapp")


# Notification channels; usage


@pytest.mark.parametrize("channel", CHANNELS)
async def test_a_text_reaches_a_bare_address_by_the_channel_that_was_asked_for(office: Office, channel: str) -> None:
    to = recipient(channel)
    queued = await office.queued(channel, to, subject="Complaint Status Update")
    assert (queued.status, queued.retry_count, queued.max_retries, queued.priority) == (PENDING, 0, 3, "normal")
    [message] = await office.messages(channel, to)
    assert message["text"].strip() == "Your complaint has been verified."
    assert message["subject"] == ("Complaint Status Update" if channel == "email" else None)
    row = await office.ends(queued)
    assert (row.status, row.channel, row.notification_id) == (SENT, channel, queued.notification_id)


@pytest.mark.parametrize(
    ("channel", "text"),
    [
        ("email", "Dear John Doe,\r\n\r\nyour complaint COMP-20260212-abc123 has been verified."),
        ("sms", "Your complaint COMP-20260212-abc123 has been verified."),
        ("whatsapp", "complaint_verified | en | COMP-20260212-abc123"),
    ],
)
async def test_a_template_is_shown_with_its_data(office: Office, channel: str, text: str) -> None:
    to = recipient(channel)
    await office.queued(channel, to, template_id="complaint_verified", template_data=VERIFIED)
    [message] = await office.messages(channel, to)
    assert message["text"].startswith(text)


# Database schema


async def test_a_row_for_each_notification_found_by_what_it_is_about(office: Office) -> None:
    about = {"entity_type": "complaint", "entity_id": 123_000_000 + datetime.now(UTC).microsecond}  # noqa: TID251  # a number of the test's own
    first = await office.queued("email", **about, priority="high", max_retries=2)
    second = await office.queued("sms", **about, template_id="escalation")
    await office.queued("email")

    async def all_sent() -> list[QueuedNotification] | None:
        found = await office.queue.get_notifications_by_entity("complaint", about["entity_id"])
        return found if [row.status for row in found] == [SENT, SENT] else None

    [newer, older] = await eventually(all_sent)
    assert [newer.notification_id, older.notification_id] == [second.notification_id, first.notification_id]
    assert (older.entity_type, older.entity_id) == ("complaint", about["entity_id"])
    assert (older.priority, older.max_retries, older.retry_count, older.template_id) == ("high", 2, 0, None)
    assert (newer.channel, newer.template_id) == ("sms", "escalation")
    assert None not in (older.created_at, older.sent_at, older.updated_at)
    assert older == await office.ends(first)
    entity = ("complaint", about["entity_id"])
    assert await office.queue.get_notification(first.notification_id, entity=entity) == older
    with pytest.raises(LookupError):
        await office.queue.get_notification(first.notification_id + 1, entity=entity)


# Retry strategy; status tracking


async def test_pending_then_retrying_then_sent(office: Office) -> None:
    to = recipient("email")
    await office.fail("email", to, times=2)
    queued = await office.queued("email", to)
    row = await office.ends(queued)
    assert (row.status, row.retry_count, row.error_message) == (SENT, 2, None)
    assert await office.seen(queued) == ["pending", "retrying", "sent"]
    assert len(await office.messages("email", to)) == 1


async def test_pending_then_retrying_then_failed(office: Office) -> None:
    to = recipient("email")
    await office.fail("email", to)
    queued = await office.queued("email", to, max_retries=2)
    row = await office.ends(queued)
    assert (row.status, row.retry_count, row.max_retries) == (FAILED, 2, 2)
    assert row.failed_at
    assert (row.error_message, row.sent_at, row.next_retry_at) == ("attempts_exhausted: 451 4.3.0", None, None)
    assert await office.seen(queued) == ["pending", "retrying", "failed"]


async def test_a_provider_that_is_down_ends_in_failed(office: Office) -> None:
    to = recipient("whatsapp")
    await office.fail("whatsapp", to)
    queued = await office.queued("whatsapp", to, max_retries=1)
    row = await office.ends(queued)
    assert (row.status, row.retry_count) == (FAILED, 1)
    assert await office.seen(queued) == ["pending", "retrying", "failed"]


async def test_between_two_attempts_it_is_retrying_and_says_when(office: Office) -> None:
    to = recipient("email")
    await office.fail("email", to)
    queued = await office.queued("email", to, max_retries=30)
    row = await office.until(queued, lambda row: row.next_retry_at is not None)
    assert (row.status, row.error_message) == (RETRYING, "temporary_failure: 451 4.3.0")
    assert row.next_retry_at is not None
    assert row.updated_at is not None
    assert row.next_retry_at > row.updated_at
    await office.heal()
    assert (await office.ends(queued)).status is SENT


async def test_each_wait_is_the_next_of_the_schedule(office: Office) -> None:
    to = recipient("email")
    await office.fail("email", to)
    queued = await office.queued("email", to, max_retries=4)
    await office.ends(queued)
    timeline = await office.timeline(queued)
    retrying = [entry for entry in timeline["entries"] if entry["state"] == "retrying"]
    waits = [seconds_between(entry["detail"]["due"], entry["at"]) for entry in retrying]
    schedule = [float(wait) for wait in RETRIES.split(",")][:4]
    assert len(waits) == 4
    assert all(0.79 * wait < waited < 1.21 * wait for waited, wait in zip(waits, schedule, strict=True))


async def test_they_are_found_by_their_status(office: Office) -> None:
    to = recipient("sms")
    sent = await office.queued("email")
    later = await office.queued("email", deliver_at=datetime.now(UTC) + timedelta(hours=1))  # noqa: TID251  # the test's own clock
    await office.fail("sms", to)
    failed = await office.queued("sms", to, max_retries=0)
    for row, status in ((sent, SENT), (later, PENDING), (failed, FAILED)):

        async def listed(id_: int = row.notification_id, status: QueueStatus = status) -> bool:
            found = await office.queue.get_notifications_by_status(status)
            return id_ in {each.notification_id for each in found} and {each.status for each in found} == {status}

        await eventually(listed)


# Failure handling; performance


async def test_one_that_fails_blocks_no_other(office: Office) -> None:
    broken = recipient("email")
    await office.fail("email", broken)
    failing = await office.queued("email", broken, max_retries=30)
    others = await asyncio.gather(*(office.queued("email") for _ in range(100)))
    assert {(await office.ends(other)).status for other in others} == {SENT}
    assert (await office.queue.get_notification(failing)).status in (PENDING, RETRYING)
    await office.heal()
    await office.ends(failing)


async def test_the_same_call_again_is_the_same_notification(office: Office) -> None:
    to = recipient("sms")
    asked = NotificationRequest(entity_type="complaint", entity_id=7, channel="sms", recipient=to, body="Verified.")
    first = await office.queue.queue_notification(asked, idempotency_key=f"complaint-7-{to}")
    again = await office.queue.queue_notification(asked, idempotency_key=f"complaint-7-{to}")
    assert first == again
    await office.ends(first)
    assert len(await office.messages("sms", to)) == 1
