"""Dead letters as the console keeps them."""

from __future__ import annotations

from typing import Any

from services.console.letters.core.letter_row import DeadLetterRow, letter_row
from services.delivery.core.effects import delivery_dead_letter
from shared.model.channels import Channel
from shared.model.deliveries import DeliveryResult, DeliveryState, ReceivedDelivery
from shared.model.outputs import KafkaRecord
from shared.model.reasons import Reason
from shared.model.records import encode
from shared.model.topics import Topics
from tests.support import samples as a

TOPICS = Topics()


def dead_letter_record(*, code: str = "550", at: int = a.NOON, **changes: Any) -> KafkaRecord:
    """A delivery's dead letter as the worker writes it, and as it stands on its topic."""
    delivery = a.delivery(**changes)
    received = ReceivedDelivery(delivery=delivery, record=a.record(encode(delivery)))
    result = DeliveryResult(state=DeliveryState.DEAD, at=at, attempts=3, reason=Reason.REJECTED, code=code)
    output = delivery_dead_letter(TOPICS, received, result)
    return KafkaRecord(output.topic, 0, 7, output.key, output.value, output.headers, a.NOON + 5)


def dead_letter_row(number: int, *, now: int = a.NOON, **changes: Any) -> DeadLetterRow:
    """The row of the delivery `d-NUMBER`, whose code is `cNUMBER` if nothing else is said."""
    record = dead_letter_record(**{"id": f"d-{number}", "code": f"c{number}", **changes})
    return letter_row(Channel.EMAIL, record, now)
