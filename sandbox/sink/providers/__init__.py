"""The providers that the sink stands for, a file each."""

from __future__ import annotations

from typing import Final

from sandbox.sink.providers import apns
from sandbox.sink.providers.edge import FakeProvider, FakeTokens
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
    FakePushService(),
    FakeMeta(),
    FakeTelegram(),
    FakeSlack(),
)
TOKENS: Final[tuple[FakeTokens, ...]] = (FakeGoogleTokens(),)
NAMES: Final = (*(one.name for one in (*PROVIDERS, *TOKENS)), apns.NAME)
"""That one speaks HTTP/2, and is no FakeProvider."""
