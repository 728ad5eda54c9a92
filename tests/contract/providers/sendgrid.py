"""SendGrid."""

from __future__ import annotations

from sandbox.sink.accounts import SENDGRID_KEY
from services.delivery.channels.email.sendgrid import SendGrid
from services.delivery.channels.email.settings import EmailSettings
from shared.model.channel_templates import Templates
from shared.model.channels import Channel
from shared.model.templates import EmailTemplate
from tests.contract.providers.case import ApiCase


def _make(url: str) -> SendGrid:
    settings = EmailSettings(
        email_providers="sendgrid",
        sendgrid_url=f"{url}/sendgrid",
        sendgrid_api_key=SENDGRID_KEY,
        email_from="Shop <shop@example.com>",
    )
    return SendGrid(settings)


SENDGRID = ApiCase(
    name="sendgrid",
    channel=Channel.EMAIL,
    templates=Templates(
        email=EmailTemplate(
            subject="Order {{ data.order }}", text="It is on its way", html="<p>It is <b>on its way</b></p>"
        )
    ),
    make=_make,
    address=lambda number: f"user-{number}@example.com",
    delivery_id=lambda message: str(message["envelope"]["custom_args"]["delivery"]),
    permanent={"mode": "status", "status": 400, "code": "content.0.value"},
)
