"""Vonage."""

from __future__ import annotations

from sandbox.sink.accounts import VONAGE_KEY, VONAGE_SECRET
from services.delivery.channels.sms.settings import SmsSettings
from services.delivery.channels.sms.vonage import Vonage
from shared.model.channel_templates import Templates
from shared.model.channels import Channel
from shared.model.templates import SmsTemplate
from tests.contract.providers.case import ApiCase, phone


def _make(url: str) -> Vonage:
    settings = SmsSettings(
        sms_providers="vonage",
        vonage_url=f"{url}/vonage",
        vonage_api_key=VONAGE_KEY,
        vonage_api_secret=VONAGE_SECRET,
        vonage_from="Carillon",
    )
    return Vonage(settings)


VONAGE = ApiCase(
    name="vonage",
    channel=Channel.SMS,
    templates=Templates(sms=SmsTemplate(text="Order {{ data.order }} is on its way")),
    make=_make,
    address=phone,
    delivery_id=lambda message: str(message["envelope"]["client-ref"]),
    temporary={"mode": "status", "code": "5"},
    permanent={"mode": "status", "code": "6"},
)
