"""What providers call back with, a file each: they tell what became of a message, and sign it as the real ones do."""

from __future__ import annotations

from typing import Final

from sandbox.sink.callbacks.caller import FakeCallback
from sandbox.sink.callbacks.meta import MetaStatus
from sandbox.sink.callbacks.sendgrid import SendGridEvent
from sandbox.sink.callbacks.twilio import TwilioStatus
from sandbox.sink.callbacks.vonage import VonageReceipt

CALLBACKS: Final[dict[str, FakeCallback]] = {
    "twilio": TwilioStatus(),
    "vonage": VonageReceipt(),
    "sendgrid": SendGridEvent(),
    "meta": MetaStatus(),
}
