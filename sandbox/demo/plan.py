"""What happens in the demonstration: the events, how each comes in, and what must become of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from carillon.client import RecipientJson
from shared.model import ids


class Ingress(StrEnum):
    """How an event comes in."""

    API = "POST /v1/notifications"
    STRUCTURED = "CloudEvent, HTTP structured"
    BINARY = "CloudEvent, HTTP binary"
    BATCH = "CloudEvent, HTTP batch"
    KAFKA_BINARY = "CloudEvent, Kafka binary"
    KAFKA_STRUCTURED = "CloudEvent, Kafka structured"


Expected = Mapping[tuple[str, str | None], str]
"""(user, channel; None: the notification as a whole) to the reason, or the state where there is no reason."""


@dataclass(frozen=True, kw_only=True)
class Planned:
    """One event. `data` of a CloudEvent names its recipients where the workflow looks for them."""

    ingress: Ingress
    workflow: str
    to: tuple[RecipientJson, ...]
    data: dict[str, Any]
    type: str = ""
    """Of the CloudEvent; empty for the API."""
    deliver_in_ms: int | None = None
    cancelled: bool = False
    """Taken back by its key before its time."""
    note: str = ""
    """What to look at, for who reads the table."""
    expected: Expected = field(default_factory=dict)

    @property
    def users(self) -> tuple[str, ...]:
        """User ids; an inline person's is derived from the address."""
        return tuple(one if isinstance(one, str) else ids.inline_user_id(one["email"]) for one in self.to)


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """An event that is durable, and the notifications that must follow from it, by user."""

    planned: Planned
    notifications: dict[str, str]


ZOE: Final = {"email": "zoe@example.net", "name": "Zoe", "locale": "en"}
ZOE_ID: Final = ids.inline_user_id(ZOE["email"])
NAMES: Final = {ZOE_ID: "zoe (inline)"}
LIVE: Final = "ana"
"""Connected from the beginning."""
LATER: Final = "bjorn"
"""Connects when everything has happened."""

PLAN: Final = (
    Planned(
        ingress=Ingress.API,
        workflow="order.shipped",
        to=("ana", "chen", "gita", ZOE),
        note="three users, one inline person",
        data={"order": "A-1001", "carrier": "DHL", "eta": "Friday"},
        expected={
            ("ana", "in_app"): "sent",
            ("chen", "email"): "channel_opted_out",
            ("gita", "email"): "no_address",
            (ZOE_ID, "email"): "sent",
        },
    ),
    Planned(
        ingress=Ingress.API,
        workflow="order.delayed",
        to=("bjorn", "hiro"),
        data={"order": "A-1002", "new_eta": "Monday", "reason": "snow"},
        deliver_in_ms=2_000,
        note="deliver_at in 2 s",
        expected={("bjorn", "email"): "sent", ("hiro", None): "workflow_opted_out"},
    ),
    Planned(
        ingress=Ingress.API,
        workflow="order.promotion",
        to=("fatima",),
        data={"percent": 20, "product": "teapots", "until": "Sunday"},
        deliver_in_ms=3_600_000,
        cancelled=True,
        note="deliver_at in 1 h, taken back",
        expected={("fatima", None): "cancelled"},
    ),
    Planned(
        ingress=Ingress.STRUCTURED,
        workflow="order.shipped",
        type="com.example.order.shipped.v1",
        to=("dorothea", "bjorn"),
        note="it is quiet at dorothea's",
        data={"customer_ids": ["dorothea", "bjorn"], "order": "A-1003", "carrier": "PostNord"},
        expected={("dorothea", "email"): "quiet_hours", ("dorothea", "in_app"): "sent", ("bjorn", "webhook"): "sent"},
    ),
    Planned(
        ingress=Ingress.BINARY,
        workflow="payment.failed",
        type="com.example.payment.failed.v1",
        to=("dorothea",),
        data={"customer_id": "dorothea", "order": "A-1003", "amount": "42.00 EUR"},
        note="critical: never held",
        expected={("dorothea", "email"): "sent"},
    ),
    Planned(
        ingress=Ingress.BATCH,
        workflow="order.promotion",
        type="com.example.order.promotion.v1",
        to=("emeka",),
        data={"customer_ids": ["emeka"], "percent": 10, "product": "umbrellas", "until": "Sunday"},
        expected={("emeka", None): "category_opted_out"},
    ),
    Planned(
        ingress=Ingress.BATCH,
        workflow="chat.friend_request",
        type="com.example.chat.friend.requested",
        to=("ana",),
        data={"recipient_id": "ana", "sender_id": "hiro", "sender_username": "Hiro"},
        expected={("ana", "in_app"): "sent"},
    ),
    Planned(
        ingress=Ingress.BATCH,
        workflow="chat.friend_request_accepted",
        type="com.example.chat.friend.accepted",
        to=("hiro",),
        data={"recipient_id": "hiro", "sender_id": "ana", "sender_username": "Ana"},
        expected={("hiro", "email"): "sent"},
    ),
    Planned(
        ingress=Ingress.KAFKA_BINARY,
        workflow="chat.new_message",
        type="com.example.chat.message.created",
        to=("ana", "bjorn", "chen"),
        data={
            "recipient_ids": ["ana", "bjorn", "chen"],
            "sender_id": "ana",
            "sender_username": "Ana",
            "message_preview": "Lunch at one?",
            "room_id": "kitchen",
            "room_name": "Kitchen",
        },
        note="ana wrote it",
        expected={("ana", None): "is_actor", ("bjorn", "in_app"): "sent", ("bjorn", "webhook"): "sent"},
    ),
    Planned(
        ingress=Ingress.KAFKA_STRUCTURED,
        workflow="chat.room_invitation",
        type="com.example.chat.room.invited",
        to=("fatima",),  # her nights are quiet: by day the e-mail goes, by night it is held
        data={
            "invitee_id": "fatima",
            "inviter_id": "chen",
            "inviter_username": "Chen",
            "room_id": "tea",
            "room_name": "Tea",
            "room_description": "All about tea.",
        },
        expected={("fatima", "in_app"): "sent"},
    ),
)
