"""APNs."""

from __future__ import annotations

from sandbox.sink.push_keys import APNS_KEY, APNS_KEY_ID, APNS_TEAM_ID, APNS_TOPIC
from services.delivery.channels.http_sender import HttpSender
from services.delivery.channels.push.apns import Apns, apns_sender
from services.delivery.channels.push.settings import PushSettings
from services.delivery.rendering.links import SafeLinks
from shared.model.channel_templates import Templates
from shared.model.channels import Channel
from shared.model.templates import PushTemplate
from tests.contract.providers.case import TIMEOUT_SECONDS, ApiCase


def settings(url: str) -> PushSettings:
    return PushSettings(
        apns_key=APNS_KEY,
        apns_key_id=APNS_KEY_ID,
        apns_team_id=APNS_TEAM_ID,
        apns_topic=APNS_TOPIC,
        apns_url=url,
        push_timeout_seconds=TIMEOUT_SECONDS,
    )


class ApnsCase(ApiCase):
    """It speaks HTTP/2, at the same port of the sink."""

    def sender(self, url: str) -> HttpSender:
        return apns_sender(settings(url), None, SafeLinks())


APNS = ApnsCase(
    name="apns",
    channel=Channel.PUSH,
    templates=Templates(push=PushTemplate(title="On its way", body="Order {{ data.order }} is on its way")),
    make=lambda url: Apns(settings(url), SafeLinks()),
    address=lambda number: f"apns:{number:064x}",
    delivery_id=lambda message: str(message["envelope"]["delivery"]),
    permanent={"mode": "status", "status": 410, "code": "Unregistered"},
)
