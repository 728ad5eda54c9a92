"""Twilio."""

from __future__ import annotations

from sandbox.sink.accounts import TWILIO_SID, TWILIO_TOKEN
from services.delivery.channels.sms.settings import SmsSettings
from services.delivery.channels.sms.twilio import Twilio
from shared.model.channel_templates import Templates
from shared.model.channels import Channel
from shared.model.templates import SmsTemplate
from tests.contract.providers.case import ApiCase, by_phone, phone


def _make(url: str) -> Twilio:
    settings = SmsSettings(
        sms_providers="twilio",
        twilio_url=f"{url}/twilio",
        twilio_account_sid=TWILIO_SID,
        twilio_auth_token=TWILIO_TOKEN,
        twilio_from="+15005550006",
    )
    return Twilio(settings)


TWILIO = ApiCase(
    name="twilio",
    channel=Channel.SMS,
    templates=Templates(sms=SmsTemplate(text="Order {{ data.order }} is on its way")),
    make=_make,
    address=phone,
    delivery_id=by_phone,
    permanent={"mode": "status", "status": 400, "code": "21610"},
)
