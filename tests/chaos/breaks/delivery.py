"""Delivery, broken: ledger, offsets, what follows a result, and what is sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from services.delivery import send
from services.delivery.channels.email import smtp
from services.delivery.channels.email.compose import compose
from services.delivery.channels.email.letter import Letter
from services.delivery.channels.email.smtp import EmailSender
from services.delivery.channels.webhook.http import WebhookSender
from services.delivery.core import effects
from services.delivery.core.attempts import Failed, LeaseTooShort, Outcome, Sent, decide
from services.delivery.core.effects import DeliveryEffects
from services.delivery.core.jobs import Job
from services.delivery.lane import LaneQueue
from services.delivery.send import Sending
from shared.kafka.consumer import commit_assigned
from shared.model.claims import Claim, Claimed, LedgerEntry, Obsolete, Recorded, judge
from shared.model.deliveries import Delivery, DeliveryResult, DeliveryState, ReceivedDelivery
from shared.model.formats import NewerFormat
from shared.model.topics import Topics
from shared.model.workflows import Workflow
from shared.mongo import ledger
from shared.mongo.ledger import Ledger
from tests.chaos.breaks.breaking import Break, replace
from tests.chaos.breaks.scenes import CALM, CLAIM_DIES, RECORD_DIES, Scene


def no_ledger() -> None:
    async def claim(self: Ledger, batch: Sequence[ReceivedDelivery]) -> list[Claim]:
        return [Claimed() for _ in batch]

    async def record(self: Ledger, results: Sequence[tuple[Delivery, DeliveryResult]]) -> set[str]:
        return {delivery.id for delivery, _ in results}

    replace(Ledger, "claim", claim)
    replace(Ledger, "record", record)


def ledger_hit_emits_nothing() -> None:
    claim = Ledger.claim

    async def over(self: Ledger, batch: Sequence[ReceivedDelivery]) -> list[Claim]:
        claims = await claim(self, batch)
        return [Obsolete() if isinstance(each, Recorded) else each for each in claims]

    replace(Ledger, "claim", over)


def dead_claims_count_as_sent() -> None:
    def over(entry: LedgerEntry, delivery: Delivery, token: str) -> Claim:
        claim = judge(entry, delivery, token)
        return Obsolete() if isinstance(claim, Claimed) and claim.crashed else claim

    replace(ledger, "judge", over)


def committed_ahead() -> None:
    deliver = LaneQueue._deliver

    async def after_commit(self: LaneQueue, job: Job) -> NewerFormat | None:
        await commit_assigned(self._newer.consumer, self._in_flight._read_up_to)
        return await deliver(self, job)

    replace(LaneQueue, "_deliver", after_commit)


def _change_effects(*states: DeliveryState, **changes: Any) -> None:
    """Of results with these states."""
    follow = Sending.effects

    def changed(self: Sending, topics: Topics, received: ReceivedDelivery, result: DeliveryResult) -> DeliveryEffects:
        found = follow(self, topics, received, result)
        return msgspec.structs.replace(found, **changes) if result.state in states else found

    replace(Sending, "effects", changed)


def sent_not_told() -> None:
    _change_effects(DeliveryState.SENT, outputs=[])


def retry_without_hold() -> None:
    _change_effects(DeliveryState.RETRYING, hold=None)


def retry_told_as_dead_too() -> None:
    follow = Sending.effects

    def both(self: Sending, topics: Topics, received: ReceivedDelivery, result: DeliveryResult) -> DeliveryEffects:
        found = follow(self, topics, received, result)
        if result.state is not DeliveryState.RETRYING:
            return found
        dead = msgspec.structs.replace(result, state=DeliveryState.DEAD)
        told = [*found.outputs, effects.delivery_status(topics, received.delivery, dead)]
        return msgspec.structs.replace(found, outputs=told)

    replace(Sending, "effects", both)


def no_fallback() -> None:
    replace(effects, "fallback", lambda *_: [])


def failures_taken_for_sent() -> None:
    def hopeful(outcome: Outcome, **more: Any) -> DeliveryResult:
        return decide(Sent() if isinstance(outcome, Failed) else outcome, **more)

    replace(send, "decide", hopeful)


def mail_sent_twice() -> None:
    once = EmailSender.send

    async def twice(
        self: EmailSender, delivery: Delivery, workflow: Workflow, send_before: float
    ) -> Outcome | LeaseTooShort:
        await once(self, delivery, workflow, send_before)
        return await once(self, delivery, workflow, send_before)

    replace(EmailSender, "send", twice)


def text_kept_by_workflow() -> None:
    known = dict[tuple[str, int], Letter]()

    def from_memory(delivery: Delivery, workflow: Workflow, *more: Any, **options: Any) -> Letter:
        letter = compose(delivery, workflow, *more, **options)
        first = known.setdefault((workflow.key, workflow.version), letter)
        return msgspec.structs.replace(letter, subject=first.subject, text=first.text, html=first.html)

    replace(smtp, "compose", from_memory)


def webhook_to_the_one_before() -> None:
    once, last = WebhookSender.send, list[str]()

    async def astray(
        self: WebhookSender, delivery: Delivery, workflow: Workflow, send_before: float
    ) -> Outcome | LeaseTooShort:
        last.append(delivery.address)
        other = msgspec.structs.replace(delivery, address=last[-2] if len(last) > 1 else delivery.address)
        return await once(self, other, workflow, send_before)

    replace(WebhookSender, "send", astray)


def _row(name: str, apply: Any, *shows: str, scene: Scene = CALM) -> Break:
    return Break(name=name, apply=apply, services=("delivery",), shows=frozenset(shows), scene=scene)


BREAKS: Final = (
    _row("there is no ledger", no_ledger, "doubled", scene=RECORD_DIES),
    _row("a ledger hit emits nothing again", ledger_hit_emits_nothing, "unterminated", scene=RECORD_DIES),
    _row("what a dead worker had claimed counts as sent", dead_claims_count_as_sent, "unterminated", scene=CLAIM_DIES),
    _row("an offset is committed before the send", committed_ahead, "unterminated", scene=CLAIM_DIES),
    _row("that it is sent is not told", sent_not_told, "unterminated"),
    _row("a retry has no hold", retry_without_hold, "unterminated"),
    _row("a retry is told as dead, too", retry_told_as_dead_too, "contradicted"),
    _row("what is dead takes no other channel", no_fallback, "split"),
    _row("a failure is taken for sent", failures_taken_for_sent, "lost"),
    _row("a mail is sent twice", mail_sent_twice, "doubled"),
    _row("a text is kept by its workflow alone", text_kept_by_workflow, "leaked"),
    _row("a webhook goes where the one before went", webhook_to_the_one_before, "leaked"),
)
