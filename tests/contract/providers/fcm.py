"""FCM."""

from __future__ import annotations

from sandbox.sink.push_keys import FCM_SERVICE_ACCOUNT
from services.delivery.channels.http_sender import HttpSender
from services.delivery.channels.push.fcm import Fcm, fcm_sender
from services.delivery.channels.push.settings import PushSettings
from services.delivery.outbound.http import HttpClient
from services.delivery.rendering.links import SafeLinks
from shared.model.channel_templates import Templates
from shared.model.channels import Channel
from shared.model.templates import PushTemplate
from tests.contract.providers.case import TIMEOUT_SECONDS, ApiCase


def settings(url: str) -> PushSettings:
    return PushSettings(
        fcm_service_account=FCM_SERVICE_ACCOUNT,
        fcm_url=f"{url}/fcm",
        fcm_token_url=f"{url}/fcm/token",
        push_timeout_seconds=TIMEOUT_SECONDS,
    )


class FcmCase(ApiCase):
    """Its access tokens come over the same connections."""

    def sender(self, url: str) -> HttpSender:
        return fcm_sender(settings(url), None, SafeLinks())


FCM = FcmCase(
    name="fcm",
    channel=Channel.PUSH,
    templates=Templates(push=PushTemplate(title="On its way", body="Order {{ data.order }} is on its way")),
    make=lambda url: Fcm(settings(url), HttpClient(timeout_seconds=TIMEOUT_SECONDS), SafeLinks()),
    address=lambda number: f"fcm:token-of-device-{number:03}",
    delivery_id=lambda message: str(message["envelope"]["data"]["delivery"]),
    permanent={"mode": "status", "status": 404, "code": "UNREGISTERED"},
)
