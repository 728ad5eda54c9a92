"""WhatsApp: what is posted, what the answers of Meta mean."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.delivery.channels.whatsapp.compose import compose
from services.delivery.channels.whatsapp.meta import MEANINGS, MetaCloudApi
from services.delivery.channels.whatsapp.settings import WhatsAppSettings
from services.delivery.core.attempts import AttemptFault, Failed, Outcome, ProviderUnavailable, Rejected, Sent
from services.delivery.core.meanings import Meaning
from services.delivery.outbound.http import HttpAnswer, HttpRequest
from services.delivery.rendering.liquid import RenderFailed
from shared.model.channel_templates import Templates
from shared.model.channels import Channel
from shared.model.deliveries import Delivery
from shared.model.reasons import Reason
from shared.model.templates import WhatsAppTemplate
from shared.model.workflows import Workflow
from tests.support import samples as a

SETTINGS = WhatsAppSettings(
    whatsapp_providers="meta", whatsapp_phone_number_id="10512345", whatsapp_access_token="EAAsecret"
)
META = MetaCloudApi(SETTINGS)


def to(locale: str | None = None, **data: Any) -> Delivery:
    about = a.notification(data=msgspec.Raw(msgspec.json.encode(data)))
    return a.delivery(channel=Channel.WHATSAPP, address="+4915112345678", locale=locale, notification=about)


def saying(**parts: Any) -> Workflow:
    return a.workflow(templates=Templates(whatsapp=WhatsAppTemplate(**parts)))


def template(*parameters: Any, **parts: Any) -> Workflow:
    return saying(**{"template": "order_shipped", "language": "en_US", "parameters": parameters} | parts)


def answer(status: int, body: object = None, **headers: str) -> HttpAnswer:
    return HttpAnswer(status=status, headers=headers, body=b"" if body is None else orjson.dumps(body))


def error(code: object, status: int = 400, **more: object) -> HttpAnswer:
    return answer(status, {"error": {"message": "(#1) says who: +4915112345678", "code": code, **more}})


async def test_a_text_goes_with_the_delivery_id() -> None:
    found = await META.request(to(), saying(text="Olá 👩\u200d👧\r\n"), None)
    assert isinstance(found, HttpRequest)
    assert found.url == "https://graph.facebook.com/v23.0/10512345/messages"
    assert found.headers["authorization"] == "Bearer EAAsecret"
    assert orjson.loads(found.body) == {
        "messaging_product": "whatsapp", "recipient_type": "individual", "to": "+4915112345678", "type": "text",
        "text": {"body": "Olá 👩\u200d👧"}, "biz_opaque_callback_data": to().id,
    }  # fmt: skip


def test_a_template_has_its_places_filled_in_one_locale() -> None:
    languages = {"en": "en_US", "de": "de"}
    flow = template(
        "{{ data.order }}",
        {"en": "today", "de": "heute"},
        language=languages,
        url_parameter="{{ data.order | path_encode }}",
    )
    assert compose(to("de-AT", order="A 7"), flow, None) == {
        "type": "template",
        "template": {
            "name": "order_shipped",
            "language": {"code": "de"},
            "components": [
                {"type": "body", "parameters": [{"type": "text", "text": "A 7"}, {"type": "text", "text": "heute"}]},
                {"type": "button", "sub_type": "url", "index": "0", "parameters": [{"type": "text", "text": "A%207"}]},
            ],
        },
    }


def test_a_template_without_places_has_no_components() -> None:
    assert compose(to(), template(), None)["template"] == {
        "name": "order_shipped", "language": {"code": "en_US"}, "components": [],
    }  # fmt: skip


@given(st.text(max_size=80))
def test_a_parameter_is_one_line_as_meta_wants_it(text: str) -> None:
    found: Any = compose(to(text=text), template("a{{ data.text }}b"), None)
    (said,) = found["template"]["components"][0]["parameters"]
    assert (said["text"][0], said["text"][-1]) == ("a", "b")
    assert not {"\n", "\r", "\t", "\x00"} & set(said["text"])
    assert " " * 5 not in said["text"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a    b", "a    b"),
        ("a         b", "a    b"),
        (" a\r\n\tb ", "a b"),
        ("a\u2028b\x00", "a b"),
        ("👩\u200d👧", "👩\u200d👧"),
    ],
)
def test_line_breaks_and_many_spaces_go(text: str, said: str) -> None:
    found: Any = compose(to(text=text), template("{{ data.text }}"), None)
    assert found["template"]["components"][0]["parameters"] == [{"type": "text", "text": said}]


@pytest.mark.parametrize(
    ("flow", "says"),
    [
        (saying(text="{{ data.none }}"), "missing:data.none"),
        (saying(text=" \n"), "empty_text"),
        (saying(text="a" * 4097), "too_long"),
        (template("{{ data.none }}"), "missing:data.none"),
        (template("a", "{{ data.x }}"), "empty_parameter:2"),
        (template("a", url_parameter="\u0000"), "empty_parameter:2"),
        (saying(text=None), "no_template"),
        (a.workflow(), "no_template"),
    ],
)
def test_what_cannot_be_sent_says_why(flow: Workflow, says: str) -> None:
    raw = msgspec.Raw(b'{"x": ""}')
    delivery = a.delivery(channel=Channel.WHATSAPP, address="+4915112345678", notification=a.notification(data=raw))
    with pytest.raises(RenderFailed) as failed:
        compose(delivery, flow, None)
    assert str(failed.value) == says


def test_a_text_has_4096_characters_at_most() -> None:
    compose(to(), saying(text="a" * 4096), None)


MESSAGE, ACCOUNT, PROVIDER = AttemptFault.MESSAGE, AttemptFault.ACCOUNT, AttemptFault.PROVIDER
UNREADABLE = Failed(code="unreadable_answer", fault=PROVIDER, unconfirmed=True)
ANSWERS = [
    (error(131047), Rejected(code="131047", fault=MESSAGE)),
    (error(132000), Rejected(code="132000", fault=MESSAGE)),
    (error(132001, 404), Rejected(code="132001", fault=MESSAGE)),
    (error(131049), Rejected(code="131049", fault=MESSAGE)),
    (error(131050), Rejected(code="131050", fault=MESSAGE)),
    (error(131030), Rejected(code="131030", fault=MESSAGE)),
    (error(100), Rejected(code="100", fault=MESSAGE)),
    (error(100, error_subcode=33), ProviderUnavailable(code="100", fault=ACCOUNT)),
    (error(33), ProviderUnavailable(code="33", fault=ACCOUNT)),
    (error(131026), Rejected(reason=Reason.DEAD_ADDRESS, code="131026")),
    (error(131056), Failed(code="131056", fault=PROVIDER)),
    (error(131000, 500), Failed(code="131000", fault=PROVIDER)),
    (error(1, 500), Failed(code="1", fault=PROVIDER)),
    (error(2, 503), ProviderUnavailable(code="2")),
    (error(131016, 500), ProviderUnavailable(code="131016")),
    (error(131057), ProviderUnavailable(code="131057")),
    (error(130429), ProviderUnavailable(code="130429", fault=ACCOUNT)),
    (error(80007), ProviderUnavailable(code="80007", fault=ACCOUNT)),
    (error(4), ProviderUnavailable(code="4", fault=ACCOUNT)),
    (error(131048), ProviderUnavailable(code="131048", fault=ACCOUNT)),
    (error(0, 401), ProviderUnavailable(code="0", fault=ACCOUNT)),
    (error(190, 401), ProviderUnavailable(code="190", fault=ACCOUNT)),
    (error(10, 403), ProviderUnavailable(code="10", fault=ACCOUNT)),
    (error(200, 403), ProviderUnavailable(code="200", fault=ACCOUNT)),
    (error(299), ProviderUnavailable(code="299", fault=ACCOUNT)),
    (error(368, 403), ProviderUnavailable(code="368", fault=ACCOUNT)),
    (error(131042), ProviderUnavailable(code="131042", fault=ACCOUNT)),
    (error(133010), ProviderUnavailable(code="133010", fault=ACCOUNT)),
    (error(999999), Rejected(code="999999", fault=MESSAGE)),
    (error(999999, 500), Failed(code="999999", fault=PROVIDER)),
    (error(999999, 200), Failed(code="999999", fault=PROVIDER)),
    (error(131047, 200), Rejected(code="131047", fault=MESSAGE)),
    (error(True), Rejected(code="400", fault=MESSAGE)),
    (error("131047", 429), ProviderUnavailable(code="429", fault=ACCOUNT)),
    (answer(429, **{"Retry-After": "7"}), ProviderUnavailable(code="429", fault=ACCOUNT, retry_after_ms=7000)),
    (answer(302), ProviderUnavailable(code="302", fault=ACCOUNT)),
    (answer(502), ProviderUnavailable(code="502")),
    (answer(200), UNREADABLE),
    (answer(200, {"messages": []}), UNREADABLE),
    (answer(200, {"messages": [{"id": 7}]}), UNREADABLE),
    (answer(200, {"messages": {"id": "x"}, "error": "none"}), UNREADABLE),
]


@pytest.mark.parametrize(("said", "outcome"), ANSWERS)
def test_what_meta_says(said: HttpAnswer, outcome: Outcome) -> None:
    assert META.judge(said, a.NOON) == outcome


def test_the_receipt_tells_nobody_the_number() -> None:
    """A wamid is base64 of a record with the recipient's number in it."""
    wamid = "wamid." + b64encode(b"\x1c\x18\x0d4915112345678\x15\x02\x00\x11\x18\x125F425A74F1303349").decode()
    taken = [META.judge(answer(200, {"messages": [{"id": each}]}), a.NOON) for each in (wamid, wamid, wamid + "x")]
    assert all(isinstance(each, Sent) for each in taken)
    assert taken[0] == taken[1] != taken[2]
    assert wamid[6:20] not in str(taken[0])


def test_the_table_has_no_success() -> None:
    assert len(MEANINGS) >= 25
    assert Meaning.TAKEN not in MEANINGS.values()


@given(st.binary(max_size=200) | st.recursive(st.none() | st.booleans() | st.integers(0, 2**63) | st.text(max_size=9),
       lambda inner: st.dictionaries(st.sampled_from(["error", "code", "messages", "id", "error_subcode"]), inner)
       | st.lists(inner, max_size=2), max_leaves=9).map(orjson.dumps), st.integers(100, 999), st.text(max_size=40))  # fmt: skip
def test_no_answer_breaks_anything(body: bytes, status: int, wait: str) -> None:
    said = HttpAnswer(status=status, headers={"Retry-After": wait}, body=body)
    assert isinstance(META.judge(said, a.NOON), Outcome)


def test_a_provider_that_is_named_needs_its_account() -> None:
    assert WhatsAppSettings().candidates == ()
    wanted = "meta needs CARILLON_WHATSAPP_PHONE_NUMBER_ID, CARILLON_WHATSAPP_ACCESS_TOKEN"
    with pytest.raises(ValidationError, match=wanted):
        WhatsAppSettings(whatsapp_providers="meta")


@pytest.mark.parametrize("wrong", [{"whatsapp_version": "23"}, {"whatsapp_phone_number_id": "1/../2"}])
def test_what_stands_in_the_url_is_checked(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        WhatsAppSettings(**wrong)
