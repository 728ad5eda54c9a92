"""Slack's incoming webhooks, and those that answer as they do."""

from __future__ import annotations

from typing import Final

import orjson

from services.delivery.channels.chat.compose import compose, payload
from services.delivery.channels.chat.settings import ChatSettings
from services.delivery.channels.http_sender import HttpSender
from services.delivery.channels.unanswered import by_endpoint
from services.delivery.core.attempts import AttemptFault, Failed, Outcome, Rejected, Sent
from services.delivery.outbound.guard import Guard
from services.delivery.outbound.http import HttpAnswer, HttpClient, HttpRequest
from services.delivery.rendering.links import SafeLinks
from services.delivery.tenants import TenantTexts
from shared.model.deliveries import Delivery
from shared.model.reasons import Reason
from shared.model.tenants import TenantSettings
from shared.model.workflows import Workflow

HEADERS: Final = {"content-type": "application/json", "user-agent": "carillon"}
GONE: Final = frozenset(
    {
        "channel_is_archived",
        "channel_not_found",
        "invalid_token",
        "no_active_hooks",
        "no_service",
        "no_service_id",
        "no_team",
        "team_disabled",
    }
)
"""The webhook, its channel or its workspace is no more: nothing that is posted there will arrive."""
REFUSED: Final = frozenset(
    {
        "action_prohibited",
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_payload",
        "missing_text_or_fallback_or_attachments",
        "msg_too_long",
        "no_text",
        "posting_to_general_channel_denied",
        "too_many_attachments",
        "user_not_found",
    }
)
"""This message: never. Words of answers: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks"""
ABOUT_THE_MESSAGE: Final = frozenset({400, 413, 415, 422})
"""Statuses that refuse the message, whatever word is with them."""
LONGEST_WORD: Final = 64


class SlackWebhook:
    """An incoming webhook per recipient; its URL is the credential. It has no field for an id of ours."""

    def __init__(self, links: SafeLinks) -> None:
        self._links = links

    async def request(
        self, delivery: Delivery, workflow: Workflow, tenant: TenantSettings | None
    ) -> HttpRequest | Outcome:
        """The message. Raises RenderFailed."""
        message = compose(delivery, workflow, self._links, tenant=tenant)
        return HttpRequest(url=delivery.address, headers=HEADERS, body=orjson.dumps(payload(message)))

    def judge(self, answer: HttpAnswer, now: int) -> Outcome:
        """By the word in the body of a refusal, else by the status; what is its own trouble costs an attempt."""
        status = answer.status
        if 200 <= status < 300:
            return Sent(receipt=str(status))
        word = _word(answer.body) if 400 <= status < 500 else None
        code = str(status) if word is None else f"{status} {word}"
        if status == 410 or word in GONE:
            return Rejected(reason=Reason.ENDPOINT_GONE, code=code)
        if status in ABOUT_THE_MESSAGE or word in REFUSED:
            return Rejected(code=code, fault=AttemptFault.MESSAGE)
        return Failed(code=code, retry_after_ms=answer.retry_after_ms(now))


def slack_sender(settings: ChatSettings, links: SafeLinks, tenants: TenantTexts | None = None) -> HttpSender:
    """Posts to whatever URL a recipient has, unless that leads into our own network."""
    client = HttpClient(timeout_seconds=settings.chat_timeout_seconds, guard=Guard(settings.chat_allow))
    return HttpSender(SlackWebhook(links), client, tenants, by_endpoint)


def _word(body: bytes) -> str | None:
    """One that is known: what else may stand there is nobody's to keep."""
    word = body[:LONGEST_WORD].decode(errors="replace").strip()
    return word if word in GONE or word in REFUSED else None
