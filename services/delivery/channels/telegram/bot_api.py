"""Telegram's Bot API, and what its answers mean. The token is a part of the URL, which therefore is told to nobody."""

from __future__ import annotations

from typing import Final

import msgspec
import orjson

from services.delivery.channels.telegram.compose import compose
from services.delivery.channels.telegram.settings import TelegramSettings
from services.delivery.core.attempts import Outcome
from services.delivery.core.meanings import UNREADABLE_ANSWER, Meaning, meaning_of_status, outcome_of
from services.delivery.outbound.http import HttpAnswer, HttpRequest
from services.delivery.rendering.links import SafeLinks
from shared.model.deliveries import Delivery
from shared.model.telegram_chats import MAX_CHAT
from shared.model.tenants import TenantSettings
from shared.model.workflows import Workflow

MEANINGS: Final = {
    "bot was blocked by the user": Meaning.DEAD_ADDRESS,
    "user_is_blocked": Meaning.DEAD_ADDRESS,
    "user is deactivated": Meaning.DEAD_ADDRESS,
    "input_user_deactivated": Meaning.DEAD_ADDRESS,
    "bot can't initiate conversation": Meaning.DEAD_ADDRESS,  # they never wrote to it
    "bot can't send messages to bots": Meaning.DEAD_ADDRESS,
    "bots can't send messages to bots": Meaning.DEAD_ADDRESS,
    "bot was kicked": Meaning.DEAD_ADDRESS,
    "bot is not a member": Meaning.DEAD_ADDRESS,
    "the group chat was deleted": Meaning.DEAD_ADDRESS,
    "chat not found": Meaning.DEAD_ADDRESS,
    "private chat not found": Meaning.DEAD_ADDRESS,
    "user not found": Meaning.DEAD_ADDRESS,
    "peer_id_invalid": Meaning.DEAD_ADDRESS,
    "channel_private": Meaning.DEAD_ADDRESS,
    "need administrator rights": Meaning.PERMANENT,
    "have no rights to send": Meaning.PERMANENT,
    "not enough rights to send": Meaning.PERMANENT,
    "chat_write_forbidden": Meaning.PERMANENT,
    "chat_restricted": Meaning.PERMANENT,
    "chat_admin_required": Meaning.PERMANENT,
    "topic_closed": Meaning.PERMANENT,
    "message text is empty": Meaning.PERMANENT,
    "message is too long": Meaning.PERMANENT,
    "text is too long": Meaning.PERMANENT,
    "can't parse entities": Meaning.PERMANENT,  # markup
    "reply markup is too long": Meaning.PERMANENT,
    "button_url_invalid": Meaning.PERMANENT,
    "inline keyboard button url": Meaning.PERMANENT,  # wrong
    "wrong http url": Meaning.PERMANENT,
    "logged out": Meaning.OUR_FAULT,
}
"""By how `description` goes on after its first colon, in lower case; it has no codes (tdlib/telegram-bot-api)."""
_STATUSES: Final = {
    403: Meaning.PERMANENT,  # this chat: of a token it says 401
    421: Meaning.OUR_FAULT,  # a server for other bots
    429: Meaning.THROTTLED,
}
"""Of an answer that is its own."""
MIGRATED: Final = "chat_migrated"
MAX_RETRY_AFTER: Final = 10**9
"""Seconds that are read; how long is waited is bounded elsewhere."""


class TelegramBotApi:
    """One bot. It has no field for an id of ours: a message sent twice is two messages."""

    def __init__(self, settings: TelegramSettings, links: SafeLinks | None = None) -> None:
        self._url = f"{settings.telegram_url}/bot{settings.telegram_token.get_secret_value()}/sendMessage"
        self._links = links or SafeLinks()

    async def request(
        self, delivery: Delivery, workflow: Workflow, tenant: TenantSettings | None
    ) -> HttpRequest | Outcome:
        """The message. Raises RenderFailed."""
        body = {"chat_id": delivery.address, **compose(delivery, workflow, self._links, tenant)}
        return HttpRequest(url=self._url, headers={"content-type": "application/json"}, body=orjson.dumps(body))

    def elsewhere(self, request: HttpRequest, answer: HttpAnswer) -> HttpRequest | None:
        """The same message to the supergroup that its group has become."""
        chat = _parameters(answer).get("migrate_to_chat_id")
        if type(chat) is not int or not 0 < abs(chat) < MAX_CHAT:
            return None
        return msgspec.structs.replace(request, body=orjson.dumps({**orjson.loads(request.body), "chat_id": str(chat)}))

    def judge(self, answer: HttpAnswer, now: int) -> Outcome:
        """By what the body says; where that is not known, by its code or the status."""
        said = answer.json()
        wait = answer.retry_after_ms(now)
        if said.get("ok") is False:
            return _refused(said, answer, wait)
        if not 200 <= answer.status < 300:
            return outcome_of(meaning_of_status(answer.status), str(answer.status), retry_after_ms=wait)
        if said.get("ok") is not True:
            return outcome_of(Meaning.UNREADABLE, UNREADABLE_ANSWER)
        result = said.get("result")
        number = result.get("message_id") if isinstance(result, dict) else None
        return outcome_of(Meaning.TAKEN, "ok", receipt=str(number) if type(number) is int else None)


def _refused(said: dict[str, object], answer: HttpAnswer, wait: int | None) -> Outcome:
    parameters = _parameters(answer)
    if "migrate_to_chat_id" in parameters:
        return outcome_of(Meaning.DEAD_ADDRESS, MIGRATED)
    given = said.get("error_code")
    status = given if type(given) is int and 300 <= given < 600 else answer.status
    seconds = parameters.get("retry_after")
    if type(seconds) is int and seconds >= 0:
        wait = min(seconds, MAX_RETRY_AFTER) * 1000
    text = str(said.get("description")).lower()
    for phrase, meaning in MEANINGS.items():  # what follows one may quote the message
        if (text.partition(": ")[2] or text).startswith(phrase):
            return outcome_of(meaning, phrase.replace("'", "").replace(" ", "_"), retry_after_ms=wait)
    meaning = _STATUSES.get(status) or meaning_of_status(status)
    return outcome_of(Meaning.TRANSIENT if meaning is Meaning.TAKEN else meaning, str(status), retry_after_ms=wait)


def _parameters(answer: HttpAnswer) -> dict[str, object]:
    found = answer.json().get("parameters")
    return found if isinstance(found, dict) else {}
