"""Statuses say what they are counted by, wherever they come from; those of before say less, and count all the same."""

from __future__ import annotations

import orjson
import pytest

from services.console.analytics.core.series import Series, series_of
from services.delivery.core.effects import delivery_status
from services.ingest.callbacks.receipt_status import receipt_status
from shared.model.callback_links import CallbackLink
from shared.model.deliveries import DeliveryResult, DeliveryState
from shared.model.inbox import Change, InboxEvent, InboxItem, encode, item_state
from shared.model.inbox_statuses import changed_status
from shared.model.outputs import Output
from shared.model.receipts import Receipt, ReceiptedDelivery, ReceiptOutcome, ReceiptState
from shared.model.topics import Topics
from shared.mongo.inbox_rows import state_of_row, to_row
from tests.support import samples as a

TOPICS = Topics()
ITEM = InboxItem(id="n", workflow="w", offset=1, created_at=a.NOON)


def series(output: Output) -> Series:
    headers = dict(output.headers)
    return series_of({"type": headers["ce_type"].decode(), **orjson.loads(output.value or b"")})


def test_of_a_delivery() -> None:
    delivery = a.delivery(variant="b", locale="pt-BR")
    result = DeliveryResult(state=DeliveryState.SENT, at=a.NOON, attempts=1)
    found = series(delivery_status(TOPICS, delivery, result))
    workflow = delivery.notification.workflow
    assert found == Series("sent", workflow, delivery.channel, None, "b", "pt-BR")
    plain = delivery_status(TOPICS, a.delivery(locale=None), result)
    assert {"variant", "locale"}.isdisjoint(orjson.loads(plain.value or b""))


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (("w", "a", "de"), Series("delivered", "w", "email", "sendgrid", "a", "de")),
        ((), Series("delivered", None, "email", "sendgrid")),
    ],
)
def test_of_a_receipt(facts: tuple[str, ...], expected: Series) -> None:
    receipt = Receipt(state=ReceiptState.DELIVERED, at=a.NOON, account="sendgrid")
    about = ReceiptedDelivery(ReceiptOutcome.ADVANCED, "ada", "n", "email", "tell", receipt, *facts)
    link = CallbackLink(tenant="acme", delivery="d")
    assert series(receipt_status(TOPICS.statuses, link, about, receipt)) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"variant": "a", "locale": "de"}, Series("read", "w", "in_app", None, "a", "de")),
        ({}, Series("read", "w", "in_app")),
    ],
)
def test_of_an_item_that_is_read(facts: dict[str, str], expected: Series) -> None:
    row = to_row(ITEM, delivery="d", tenant="acme", user="ada", **facts)
    item = state_of_row(row)
    told = changed_status(TOPICS.statuses, "acme", "ada", Change.READ, item, at=a.NOON)
    assert series(told) == expected
    event = InboxEvent(change=Change.READ, items=(item_state(item),), at=a.NOON)
    assert not {"variant", "locale"} & orjson.loads(encode(event))["items"][0].keys(), "no client is told"
