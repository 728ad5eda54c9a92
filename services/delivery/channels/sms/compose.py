"""The text of an SMS, and how many parts carry it (3GPP TS 23.038)."""

from __future__ import annotations

from typing import Final

from services.delivery.rendering.liquid import RenderFailed, context, render
from services.delivery.rendering.plain import message_text
from shared.model.channels import Channel
from shared.model.deliveries import Delivery
from shared.model.templates import SmsTemplate
from shared.model.tenants import TenantSettings
from shared.model.texts import texts_of
from shared.model.workflows import Workflow

MAX_SEGMENTS: Final = 10
"""What providers take as one message: 1,530 letters, or 670 of other alphabets."""
_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED: Final = frozenset("\f^{}\\[~]|€")
"""They take two places."""
_SPACES: Final = dict.fromkeys(map(ord, "\u00a0\u2009\u202f"), " ")
"""CLDR writes times and numbers with them; each would leave room for 70 letters instead of 160."""


def is_gsm7(text: str) -> bool:
    """Whether the default alphabet has all of it; else each part carries UCS-2."""
    return _BASIC.union(_EXTENDED).issuperset(text)


def segments(text: str) -> int:
    """How many parts carry the text, which is what a provider counts."""
    if is_gsm7(text):
        length, alone, each = sum(2 if letter in _EXTENDED else 1 for letter in text), 160, 153
    else:
        length, alone, each = len(text.encode("utf-16-be")) // 2, 70, 67
    return 1 if length <= alone else -(-length // each)


def compose(delivery: Delivery, workflow: Workflow, tenant: TenantSettings | None) -> str:
    """The text in the recipient's language, without controls. Raises RenderFailed, `too_long` above MAX_SEGMENTS."""
    template = texts_of(workflow, delivery.step, delivery.variant, Channel.SMS)
    if not isinstance(template, SmsTemplate):
        raise RenderFailed("no_template")
    text = message_text(render(template.text, delivery.locale, context(delivery, tenant))).translate(_SPACES)
    if segments(text) > MAX_SEGMENTS:
        raise RenderFailed("too_long")
    return text
