"""The providers that the sink stands for, a file each."""

from __future__ import annotations

from typing import Final

from sandbox.sink.providers import apns
from sandbox.sink.providers.edge import FakeProvider
from sandbox.sink.providers.fcm import FakeFcm, FakeGoogleTokens
from sandbox.sink.providers.meta import FakeMeta
from sandbox.sink.providers.sendgrid import FakeSendGrid
from sandbox.sink.providers.slack import FakeSlack
from sandbox.sink.providers.telegram import FakeTelegram
from sandbox.sink.providers.twilio import FakeTwilio
from sandbox.sink.providers.vonage import FakeVonage
from sandbox.sink.providers.webpush import FakePushService

PROVIDERS: Final[tuple[FakeProvider, ...]] = (
    FakeTwilio(),
    FakeVonage(),
    FakeSendGrid(),
    FakeFcm(),
    FakeGoogleTokens(),
    FakePushService(),
    FakeMeta(),
    FakeTelegram(),
    FakeSlack(),
)
NAMES: Final = (*(one.name for one in PROVIDERS), apns.NAME)
"""That one speaks HTTP/2, and is no FakeProvider."""
