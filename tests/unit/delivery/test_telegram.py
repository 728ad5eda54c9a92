"""Telegram: what is posted, what the answers of the Bot API mean."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.delivery.channels.telegram.bot_api import TelegramBotApi
from services.delivery.channels.telegram.compose import compose
from services.delivery.channels.telegram.settings import TelegramSettings
from services.delivery.core.attempts import AttemptFault, Failed, Outcome, ProviderUnavailable, Rejected, Sent
from services.delivery.outbound.http import HttpAnswer, HttpRequest
from services.delivery.rendering.links import SafeLinks
from services.delivery.rendering.liquid import RenderFailed
from shared.model.channel_templates import Templates
from shared.model.channels import Channel
from shared.model.deliveries import Delivery
from shared.model.reasons import Reason
from shared.model.templates import ParseMode, TelegramButton, TelegramTemplate
from shared.model.workflows import Workflow
from tests.support import samples as a

TOKEN = "123456:AAsecret-of_the-bot"
BOT = TelegramBotApi(TelegramSettings(telegram_providers="telegram", telegram_token=TOKEN))
HTML = ParseMode.HTML


def to(locale: str | None = None, **data: Any) -> Delivery:
    about = a.notification(data=msgspec.Raw(msgspec.json.encode(data)))
    return a.delivery(channel=Channel.TELEGRAM, address="-42", locale=locale, notification=about)


def saying(text: Any, parse_mode: ParseMode | None = None, button: tuple[Any, Any] | None = None) -> Workflow:
    below = None if button is None else TelegramButton(text=button[0], url=button[1])
    return a.workflow(templates=Templates(telegram=TelegramTemplate(text=text, parse_mode=parse_mode, button=below)))


def composed(delivery: Delivery, workflow: Workflow) -> dict[str, Any]:
    return compose(delivery, workflow, SafeLinks(), None)


def answer(status: int, body: object = None, **headers: str) -> HttpAnswer:
    return HttpAnswer(status=status, headers=headers, body=b"" if body is None else orjson.dumps(body))


def error(code: int, description: object, **parameters: object) -> HttpAnswer:
    body = {"ok": False, "error_code": code, "description": description}
    return answer(code, body | ({"parameters": parameters} if parameters else {}))


async def test_a_plain_text_is_posted_as_it_is() -> None:
    found = await BOT.request(to(text="<b>*_1 & 2_*</b>"), saying("{{ data.text }}\r\nbye\x07\n"), None)
    assert isinstance(found, HttpRequest)
    assert found.url == f"https://api.telegram.org/bot{TOKEN}/sendMessage"
    assert orjson.loads(found.body) == {"chat_id": "-42", "text": "<b>*_1 & 2_*</b>\nbye"}


def test_what_data_puts_into_html_is_text() -> None:
    flow = saying('<b>{{ data.text }}</b> <a href="{{ data.link }}">it</a>', HTML)
    found = composed(to(text='<i>1 & "2"</i>', link="javascript:alert(1)"), flow)
    assert found == {
        "text": '<b>&lt;i&gt;1 &amp; &#34;2&#34;&lt;/i&gt;</b> <a href="#">it</a>', "parse_mode": "HTML",
    }  # fmt: skip


def test_a_button_opens_a_link_in_the_language_of_the_text() -> None:
    flow = saying(
        {"en": "Hi", "de": "Servus"}, button=({"en": "Open", "de": "Öffnen"}, "https://x.example/{{ data.id }}")
    )
    assert composed(to("de", id="7"), flow) == {
        "text": "Servus",
        "reply_markup": {"inline_keyboard": [[{"text": "Öffnen", "url": "https://x.example/7"}]]},
    }


@pytest.mark.parametrize(
    ("button", "stays"),
    [
        (("{{ data.none | default: '' }}", "https://x.example"), False),
        (("Open", "{{ data.none | default: '' }}"), False),
        (("Open", "{{ data.bad }}"), False),
        (("Open", "tg://resolve?domain=shop"), True),
        (("Open", "https://x.example/{{ data.bad }}"), True),
    ],
)
def test_a_button_that_leads_nowhere_is_left_out(button: tuple[str, str], stays: bool) -> None:
    found = composed(to(bad="java\tscript:alert(1)"), saying("Hi", button=button))
    assert ("reply_markup" in found) is stays


@pytest.mark.parametrize(
    ("text", "html", "fits"),
    [
        ("a" * 4096, False, True), ("a" * 4097, False, False), ("😀" * 2048, False, True), ("😀" * 2048 + "a", False, False),
        ("<b>" + "a" * 4096 + "</b>", True, True), ("<b>" + "a" * 4096 + "</b>", False, False),
        ("&amp;" * 4096, True, True), ("&amp;" * 4097, True, False), ('<a href="https://x.example/' + "y" * 5000 + '">a</a>', True, True),
    ],
)  # fmt: skip
def test_telegram_counts_utf_16_and_no_markup(text: str, html: bool, fits: bool) -> None:
    flow = saying(text, HTML if html else None)
    if fits:
        composed(to(), flow)
    else:
        with pytest.raises(RenderFailed, match="too_long"):
            composed(to(), flow)


@pytest.mark.parametrize(
    ("flow", "says"),
    [
        (saying("{{ data.none }}"), "missing:data.none"),
        (saying("\t "), "empty_text"),
        (saying("Hi", button=("{{ data.none }}", "https://x.example")), "missing:data.none"),
        (a.workflow(), "no_template"),
    ],
)
def test_what_cannot_be_sent_says_why(flow: Workflow, says: str) -> None:
    with pytest.raises(RenderFailed, match=says):
        composed(to(), flow)


def dead(code: str) -> Rejected:
    return Rejected(reason=Reason.DEAD_ADDRESS, code=code)


def never(code: str) -> Rejected:
    return Rejected(code=code, fault=AttemptFault.MESSAGE)


def ours(code: str, wait: int | None = None) -> ProviderUnavailable:
    return ProviderUnavailable(code=code, fault=AttemptFault.ACCOUNT, retry_after_ms=wait)


UNREADABLE = Failed(code="unreadable_answer", fault=AttemptFault.PROVIDER, unconfirmed=True)
ANSWERS = [
    (answer(200, {"ok": True, "result": {"message_id": 77}}), Sent(receipt="77")),
    (answer(200, {"ok": True, "result": 7}), Sent(receipt="ok")),
    (answer(200, {"ok": True, "result": {"message_id": True}}), Sent(receipt="ok")),
    (answer(200), UNREADABLE),
    (answer(200, {"ok": "yes"}), UNREADABLE),
    (answer(200, {"ok": False}), Failed(code="200", fault=AttemptFault.PROVIDER)),
    (error(403, "Forbidden: bot was blocked by the user"), dead("bot_was_blocked_by_the_user")),
    (error(403, "Forbidden: user is deactivated"), dead("user_is_deactivated")),
    (error(403, "Forbidden: bot can't initiate conversation with a user"), dead("bot_cant_initiate_conversation")),
    (error(403, "Forbidden: bot was kicked from the supergroup chat"), dead("bot_was_kicked")),
    (error(403, "Forbidden: bot is not a member of the channel chat"), dead("bot_is_not_a_member")),
    (error(403, "Forbidden: the group chat was deleted"), dead("the_group_chat_was_deleted")),
    (error(400, "Bad Request: chat not found"), dead("chat_not_found")),
    (error(400, "Bad Request: PEER_ID_INVALID"), dead("peer_id_invalid")),
    (error(400, "Bad Request: group chat was upgraded to a supergroup chat", migrate_to_chat_id=-1001), dead("chat_migrated")),
    (error(403, "Forbidden: something new"), never("403")),
    (error(400, "Bad Request: CHAT_WRITE_FORBIDDEN"), never("chat_write_forbidden")),
    (error(400, "Bad Request: need administrator rights in the channel chat"), never("need_administrator_rights")),
    (error(400, "Bad Request: message is too long"), never("message_is_too_long")),
    (error(400, "Bad Request: message text is empty"), never("message_text_is_empty")),
    (error(400, "Bad Request: can't parse entities: Unsupported start tag \"x\""), never("cant_parse_entities")),
    (error(400, "Bad Request: inline keyboard button URL 'https://chat not found' is invalid"),
     never("inline_keyboard_button_url")),
    (error(400, "Bad Request: says somebody: chat not found"), never("400")),
    (error(400, 7), never("400")),
    (error(401, "Unauthorized"), ours("401")),
    (error(404, "Not Found"), ours("404")),
    (error(421, "Misdirected Request: unallowed token specified"), ours("421")),
    (error(429, "Too Many Requests: retry after 35", retry_after=35), ours("429", 35_000)),
    (error(429, "Too Many Requests: retry after 35", retry_after=10**18), ours("429", 10**12)),
    (error(429, "Too Many Requests: retry after 35", retry_after=-1), ours("429")),
    (error(429, "Too Many Requests: retry after 35", retry_after="35"), ours("429")),
    (answer(429, {"ok": False, "error_code": 429}, **{"Retry-After": "9"}), ours("429", 9000)),
    (answer(429, **{"Retry-After": "9"}), ours("429", 9000)),
    (answer(400, {"ok": False, "error_code": 7}), never("400")),
    (error(500, "Internal Server Error: restart"), Failed(code="500", fault=AttemptFault.PROVIDER)),
    (answer(403), ours("403")),
    (answer(502), ProviderUnavailable(code="502")),
    (answer(302), ours("302")),
]  # fmt: skip


@pytest.mark.parametrize(("said", "outcome"), ANSWERS)
def test_what_telegram_says(said: HttpAnswer, outcome: Outcome) -> None:
    assert BOT.judge(said, a.NOON) == outcome


REQUEST = HttpRequest(url="https://x.example", headers={"a": "b"}, body=orjson.dumps({"chat_id": "-42", "text": "Hi"}))


def test_what_is_for_a_group_goes_to_what_it_has_become() -> None:
    found = BOT.elsewhere(REQUEST, error(400, "Bad Request: group chat was upgraded", migrate_to_chat_id=-1001234))
    assert found is not None
    assert (found.url, found.headers) == (REQUEST.url, REQUEST.headers)
    assert orjson.loads(found.body) == {"chat_id": "-1001234", "text": "Hi"}


@pytest.mark.parametrize("chat", [None, True, 0, "x", "-1001234", 2**52, 1.5, [1]])
def test_what_is_no_chat_is_not_followed(chat: object) -> None:
    said = error(400, "Bad Request: group chat was upgraded", migrate_to_chat_id=chat)
    assert BOT.elsewhere(REQUEST, said) is None
    assert BOT.judge(said, a.NOON) == dead("chat_migrated")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=9),
    lambda inner: (
        st.dictionaries(
            st.sampled_from(["ok", "error_code", "description", "parameters", "retry_after", "migrate_to_chat_id"]),
            inner,
        )
        | st.lists(inner, max_size=2)
    ),
    max_leaves=9,
)


@given(st.binary(max_size=200) | _JSON.map(orjson.dumps), st.integers(100, 999), st.text(max_size=40))
def test_no_answer_breaks_anything(body: bytes, status: int, wait: str) -> None:
    said = HttpAnswer(status=status, headers={"Retry-After": wait}, body=body)
    assert isinstance(BOT.judge(said, a.NOON), Outcome)
    BOT.elsewhere(REQUEST, said)


@pytest.mark.parametrize("token", ["123456", "abc:def", "1:a/../../x", "1:a b", "1:a\n", "1:a?x", "1:\u00e4"])
def test_a_token_that_is_none_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(ValidationError) as refused:
        TelegramSettings(telegram_token=token)
    assert refused.value.errors()[0]["msg"] == (
        "Value error, not a token of BotFather's: digits, a colon, letters, digits, - and _"
    )


def test_a_provider_that_is_named_needs_its_token() -> None:
    assert TelegramSettings().candidates == ()
    with pytest.raises(ValidationError, match="telegram needs CARILLON_TELEGRAM_TOKEN"):
        TelegramSettings(telegram_providers="telegram")
