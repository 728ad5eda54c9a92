"""Chat: what is posted to an incoming webhook, that data mention nobody in it, and what its answers mean."""

from __future__ import annotations

import re
from math import inf
from typing import Any, cast

import msgspec
import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sandbox.sink.providers.slack import LONGEST, MAX_BLOCKS
from services.delivery.channels.channel import ChannelContext
from services.delivery.channels.chat.channel import SETTINGS, open_channel
from services.delivery.channels.chat.compose import MAX_TEXT, compose, payload
from services.delivery.channels.chat.slack import GONE, REFUSED, SlackWebhook, slack_sender
from services.delivery.core.attempts import AttemptFault, Failed, Outcome, Rejected, Sent
from services.delivery.outbound.http import HttpAnswer, HttpRequest
from services.delivery.rendering.links import SafeLinks
from services.delivery.rendering.liquid import RenderFailed
from services.delivery.settings import DeliverySettings
from shared.model import ids
from shared.model.channel_templates import Templates
from shared.model.channels import Channel
from shared.model.deliveries import Delivery
from shared.model.reasons import Reason
from shared.model.templates import ChatTemplate
from tests.support import samples as a
from tests.support.twins.catalog import MemoryCatalog

URL = "https://hooks.slack.com/services/T0/B0/secret"
LINKS = SafeLinks()
SLACK = SlackWebhook(LINKS)


def chat(address: str = URL, data: dict[str, Any] | None = None, **changes: Any) -> Delivery:
    about = a.notification() if data is None else a.notification(data=msgspec.Raw(msgspec.json.encode(data)))
    return a.delivery(channel=Channel.CHAT, address=address, **({"notification": about} | changes))


def texts(text: Any = "Order {{ data.order }}", **more: Any) -> Any:
    return a.workflow(templates=Templates(chat=ChatTemplate(text=text, **more)))


def posted(workflow: Any, data: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    return payload(compose(chat(data=data, **changes), workflow, LINKS))


def test_a_text_alone_is_a_text() -> None:
    assert posted(texts()) == {"text": "Order A7"}


def test_a_title_and_a_link_are_blocks_and_the_text_has_all_of_it() -> None:
    found = posted(texts(title="Shipped & <gone>", url="https://shop.example/o?id={{ data.order }}&x=1"))
    link = "<https://shop.example/o?id=A7&amp;x=1>"
    assert found["text"] == f"*Shipped &amp; &lt;gone&gt;*\nOrder A7\n{link}"
    assert found["blocks"] == [
        {"type": "header", "text": {"type": "plain_text", "text": "Shipped & <gone>"}},
        {"type": "section", "text": {"type": "mrkdwn", "text": "Order A7"}},
        {"type": "section", "text": {"type": "mrkdwn", "text": link}},
    ]
    assert [block["type"] for block in posted(texts(title="Shipped"))["blocks"]] == ["header", "section"]
    assert [block["type"] for block in posted(texts(url="https://a.example"))["blocks"]] == ["section", "section"]


def test_markup_is_the_templates_and_not_the_datas() -> None:
    found = posted(
        texts('<!here> *{{ data.text }}* "it\'s"'), {"text": '<!channel> & <https://evil.example|x> "it\'s"'}
    )
    assert found["text"] == (
        "<!here> *&lt;!channel&gt; &amp; &lt;https://evil.example|x&gt; \"it's\"* \"it's\""
    )  # fmt: skip


ANY = st.text(max_size=80) | st.text(alphabet="<>&!@#|\"'; \nab:/", max_size=80)


@given(ANY, ANY, ANY)
@example("&#34;<", "x" * 400, "!channel")
@example("a", "<!here>", "https://x.example/>|<!channel>")
@example("a", "b", "@U024BE7LH")
def test_no_data_mention_anybody_and_all_of_it_is_taken(text: str, title: str, url: str) -> None:
    data = {"text": text, "title": title, "url": url}
    found = posted(texts("a{{ data.text }}", title="b{{ data.title }}", url="{{ data.url }}"), data)
    marked = [found["text"], *(each["text"]["text"] for each in found["blocks"] if each["type"] == "section")]
    for each in marked:
        links = re.findall("<[^<>]*>", each)
        assert each.count("<") == each.count(">") == len(links) <= 1
        assert not any(link.startswith(("<!", "<@", "<#")) or "|" in link for link in links)
        assert not re.search("&(?!amp;|lt;|gt;)", each)
    assert len(found["blocks"]) <= MAX_BLOCKS
    for block in found["blocks"]:
        assert 1 <= len(block["text"]["text"]) <= LONGEST[block["type"]][1]
    orjson.dumps(found)


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "java\tscript:alert(1)", "/relative", "!channel", "", "https://a.example/" + "x" * 2048],
)
def test_a_link_that_leads_nowhere_is_left_out(url: str) -> None:
    assert posted(texts("Hi", url="{{ data.url }}"), {"url": url}) == {"text": "Hi"}


def test_a_link_has_no_space_and_no_control() -> None:
    url = compose(chat(data={"url": " https://a.example/x\ty\n|z"}), texts("Hi", url="{{ data.url }}"), LINKS).url
    assert url == "https://a.example/xy|z"


def test_a_scheme_of_the_operators_own_is_kept() -> None:
    workflow = texts("Hi", url="{{ data.url }}")
    message = compose(chat(data={"url": "myapp:open"}), workflow, SafeLinks(["myapp"]))
    assert message.url == "myapp:open"


def test_what_fits_in_no_section_is_posted_as_one_text() -> None:
    found = posted(texts("x" * 3001, title="Long"))
    assert found == {"text": "*Long*\n" + "x" * 3001}
    assert "blocks" in posted(texts("x" * 3000, title="Long"))


def test_a_long_title_is_cut_in_its_header_alone() -> None:
    found = posted(texts(title="t" * 151))
    assert found["blocks"][0]["text"]["text"] == "t" * 149 + "…"
    assert "t" * 151 in found["text"]
    assert posted(texts(title="t" * 150))["blocks"][0]["text"]["text"] == "t" * 150


def test_all_parts_are_in_the_recipients_language() -> None:
    workflow = texts({"en": "Hi", "de": "Servus"}, title={"en": "One", "de": "Eins"})
    assert posted(workflow, locale="de-AT")["text"] == "*Eins*\nServus"


def test_a_title_that_is_empty_is_none() -> None:
    assert posted(texts(title="{{ data.title }}"), {"title": " \n", "order": "A7"}) == {"text": "Order A7"}


@pytest.mark.parametrize(
    ("workflow", "says"),
    [
        (a.workflow(templates=Templates()), "no_template"), (texts(" \n"), "empty_text"),
        (texts("x" * (MAX_TEXT + 1)), "too_long"), (texts("{{ data.none }}"), "missing:data.none"),
        (texts(title="{{ data.none }}"), "missing:data.none"), (texts("\ud800"), "UnicodeEncodeError"),
    ],
)  # fmt: skip
def test_what_cannot_be_sent_says_why(workflow: Any, says: str) -> None:
    with pytest.raises(RenderFailed, match=says):
        posted(workflow)


async def test_it_is_posted_to_the_recipients_url_byte_for_byte() -> None:
    found = await SLACK.request(chat(URL + "?a=%2F"), texts(), None)
    assert isinstance(found, HttpRequest)
    assert (found.url, orjson.loads(found.body)) == (URL + "?a=%2F", {"text": "Order A7"})


def answer(status: int, body: str = "", **headers: str) -> HttpAnswer:
    return HttpAnswer(status=status, headers=headers, body=body.encode())


ANSWERS = [
    (answer(200, "ok"), Sent(receipt="200")),
    (answer(204), Sent(receipt="204")),
    (answer(400, "invalid_payload"), Rejected(code="400 invalid_payload", fault=AttemptFault.MESSAGE)),
    (answer(400, "no_text\n"), Rejected(code="400 no_text", fault=AttemptFault.MESSAGE)),
    (answer(400, "a word of https://hooks.slack.com/services/T0"), Rejected(code="400", fault=AttemptFault.MESSAGE)),
    (answer(400, "no_service"), Rejected(reason=Reason.ENDPOINT_GONE, code="400 no_service")),
    (answer(403, "action_prohibited"), Rejected(code="403 action_prohibited", fault=AttemptFault.MESSAGE)),
    (answer(403, "invalid_token"), Rejected(reason=Reason.ENDPOINT_GONE, code="403 invalid_token")),
    (answer(403), Failed(code="403")),
    (answer(404, "no_service"), Rejected(reason=Reason.ENDPOINT_GONE, code="404 no_service")),
    (answer(404, "channel_not_found"), Rejected(reason=Reason.ENDPOINT_GONE, code="404 channel_not_found")),
    (answer(404, "<html>"), Failed(code="404")),
    (answer(410, "channel_is_archived"), Rejected(reason=Reason.ENDPOINT_GONE, code="410 channel_is_archived")),
    (answer(410), Rejected(reason=Reason.ENDPOINT_GONE, code="410")),
    (answer(413), Rejected(code="413", fault=AttemptFault.MESSAGE)),
    (answer(429, "rate_limited", **{"Retry-After": "30"}), Failed(code="429", retry_after_ms=30_000)),
    (answer(500, "rollup_error"), Failed(code="500")),
    (answer(503, "no_service", **{"Retry-After": "soon"}), Failed(code="503")),
    (answer(302), Failed(code="302")),
]  # fmt: skip


@pytest.mark.parametrize(("said", "outcome"), ANSWERS)
def test_what_it_says(said: HttpAnswer, outcome: Outcome) -> None:
    assert SLACK.judge(said, a.NOON) == outcome


WORDS = st.sampled_from(sorted(GONE | REFUSED)).map(str.encode)


@given(st.binary(max_size=200) | WORDS, st.integers(100, 999), st.text(max_size=40))
def test_no_answer_breaks_anything_and_none_is_repeated(body: bytes, status: int, wait: str) -> None:
    outcome = SLACK.judge(HttpAnswer(status=status, headers={"Retry-After": wait}, body=body), a.NOON)
    said = outcome.receipt if isinstance(outcome, Sent) else outcome.code
    assert re.fullmatch(r"\d{3}( [a-z_]+)?", said or "")


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "169.254.169.254", "[::ffff:10.0.0.1]"])
async def test_our_own_network_is_refused_before_anything_is_opened(host: str) -> None:
    sender = slack_sender(SETTINGS(), LINKS)
    try:
        found = await sender.send(chat(f"https://{host}/services/x"), texts(), inf)
        assert found == Rejected(reason=Reason.FORBIDDEN_ADDRESS)
        assert await sender.send(chat("https://[zz]/"), texts(), inf) == Rejected(code="invalid_url")
    finally:
        await sender.close()


class _Anything:
    """A database that nobody asks."""

    def __getattr__(self, _name: str) -> _Anything:
        return self


async def test_each_webhook_has_an_account_and_an_end_of_its_own() -> None:
    context = ChannelContext(
        channel=Channel.CHAT,
        settings=DeliverySettings(),
        own=SETTINGS(chat_disable_after_days=2),
        database=cast("Any", _Anything()),
        catalog=cast("Any", MemoryCatalog()),
    )
    opened = open_channel(context)
    breaker = opened._sending.breaker
    assert breaker.waits_for(chat()) == ids.endpoint_id("acme", URL) != breaker.waits_for(chat(URL + "2"))
    assert breaker.policy.disable_after == 2 * 86_400_000
    await opened.close()
