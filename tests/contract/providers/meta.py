"""Meta's Cloud API for WhatsApp."""

from __future__ import annotations

from sandbox.sink.accounts import WHATSAPP_NUMBER_ID, WHATSAPP_TOKEN
from services.delivery.channels.whatsapp.meta import MetaCloudApi
from services.delivery.channels.whatsapp.settings import WhatsAppSettings
from shared.model.channel_templates import Templates
from shared.model.channels import Channel
from shared.model.templates import WhatsAppTemplate
from tests.contract.providers.case import ApiCase, phone


def _make(url: str) -> MetaCloudApi:
    settings = WhatsAppSettings(
        whatsapp_providers="meta",
        whatsapp_url=f"{url}/meta",
        whatsapp_phone_number_id=WHATSAPP_NUMBER_ID,
        whatsapp_access_token=WHATSAPP_TOKEN,
    )
    return MetaCloudApi(settings)


META = ApiCase(
    name="meta",
    channel=Channel.WHATSAPP,
    templates=Templates(
        whatsapp=WhatsAppTemplate(template="order_shipped", language="en_US", parameters=("{{ data.order }}",))
    ),
    make=_make,
    address=phone,
    delivery_id=lambda message: str(message["envelope"]["biz_opaque_callback_data"]),
    temporary={"mode": "status", "status": 400, "code": "131056"},
    permanent={"mode": "status", "status": 400, "code": "131047"},
)
