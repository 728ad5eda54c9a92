"""Telegram."""

from __future__ import annotations

from sandbox.sink.accounts import TELEGRAM_TOKEN
from services.delivery.channels.telegram.bot_api import TelegramBotApi
from services.delivery.channels.telegram.settings import TelegramSettings
from shared.model.channel_templates import Templates
from shared.model.channels import Channel
from shared.model.templates import ParseMode, TelegramButton, TelegramTemplate
from tests.contract.providers.case import ApiCase


def _make(url: str) -> TelegramBotApi:
    settings = TelegramSettings(
        telegram_providers="telegram", telegram_url=f"{url}/telegram", telegram_token=TELEGRAM_TOKEN
    )
    return TelegramBotApi(settings)


TELEGRAM = ApiCase(
    name="telegram",
    channel=Channel.TELEGRAM,
    templates=Templates(
        telegram=TelegramTemplate(
            text="Order <b>{{ data.order }}</b> is on its way",
            parse_mode=ParseMode.HTML,
            button=TelegramButton(text="Track it", url="https://example.com/orders"),
        )
    ),
    make=_make,
    address=lambda number: str(100_000 + number),
    delivery_id=lambda message: f"delivery-{int(message['to'][0]) - 100_000}",
    permanent={"mode": "status", "status": 403, "code": "bot was blocked by the user"},
)
