"""Callbacks at ingest, as the sink signs them: who cannot prove what they are changes nothing, who can is answered when all is durable."""

from __future__ import annotations

import asyncio

import pytest

from sandbox.sink.accounts import provider_settings
from services.delivery.channels.callback_urls import CallbackUrls
from services.delivery.channels.sms.settings import SmsSettings
from services.delivery.channels.sms.twilio import Twilio
from services.delivery.channels.sms.vonage import Vonage
from services.delivery.outbound.http import HttpRequest
from shared.mongo.database import Database
from tests.contract.callback_scene import URL, WORKFLOW, Api, callback, counted, delivery, fields
from tests.support import samples as a
from tests.support.asgi import ask_app
from tests.support.wait import turns

pytestmark = pytest.mark.real


@pytest.fixture
def api(database: Database) -> Api:
    return Api(database)


WORDS = {
    "twilio": [("delivered", None), ("undelivered", "30003"), ("undelivered", "30005")],
    "vonage": [("delivered", None), ("failed", "2"), ("failed", "3")],
    "sendgrid": [("delivered", None), ("bounce", "blocked"), ("bounce", None)],
    "meta": [("read", None), ("failed", "131026"), ("failed", "131047")],
}
STATES = ("delivered", "undelivered", "bounced")

CODES = {("sendgrid", 1): "5.1.1", ("sendgrid", 2): "5.1.1"}


def state_of(provider: str, number: int) -> str:
    """Of the words above; nothing that WhatsApp says is about the number."""
    return "undelivered" if (provider, number) == ("meta", 2) else STATES[number]


@pytest.mark.parametrize("provider", WORDS)
@pytest.mark.parametrize("number", range(3))
async def test_what_a_provider_says_becomes_the_state(api: Api, provider: str, number: int) -> None:
    await api.sent(provider)
    status, code = WORDS[provider][number]
    made = await callback(provider, status, code)
    before = counted(provider, "advanced")
    answer = await api.call(made)
    assert (answer.status, answer.body) == (204, b"")
    receipt = await api.receipt(provider)
    assert receipt is not None
    state = state_of(provider, number)
    assert (receipt["state"], receipt.get("code")) == (state, CODES.get((provider, number), code))
    ((kind, data),) = api.statuses()
    assert kind == f"carillon.delivery.{state}"
    assert (data["delivery"], data["notification"], data["provider"]) == (
        f"by-{provider}", a.notification().id, receipt["account"],
    )  # fmt: skip
    listed = [entry["reason"] async for entry in api.database.suppressions.find()]
    assert listed == (["bounced"] if state == "bounced" else [])
    assert counted(provider, "advanced") == before + 1
    text = repr(api.log.written) + repr(receipt)
    assert "15112345678" not in text
    assert "ada@example.com" not in text


async def test_told_again_the_same_follows_again(api: Api) -> None:
    await api.sent("twilio")
    made = await callback("twilio", "undelivered", "30005")
    for _ in range(3):
        assert (await api.call(made)).status == 204
    first, second, third = api.log.written
    assert first == second == third
    assert await api.database.suppressions.count_documents({}) == 1


async def test_an_answer_comes_after_all_of_it(api: Api) -> None:
    """Killed between the write and the status, or the suppression, it is called again and does the rest."""
    await api.sent("twilio")
    made = await callback("twilio", "undelivered", "30005")
    api.log.outages.add()
    assert (await api.call(made)).status == 503
    assert await api.receipt("twilio") is not None
    assert api.statuses() == []
    assert (await api.call(made)).status == 204
    assert [kind for kind, _ in api.statuses()] == ["carillon.delivery.bounced"]
    assert await api.database.suppressions.count_documents({}) == 1


async def test_late_ones_are_answered_and_change_nothing(api: Api) -> None:
    await api.sent("vonage")
    await api.sent("vonage", generation=1)
    assert (await api.call(await callback("vonage", "failed", "2"))).status == 204
    assert await api.receipt("vonage") is None, "it was sent again since"
    await api.call(await callback("vonage", "delivered", generation=1))
    await api.call(await callback("vonage", "failed", "2", generation=1))
    assert [kind for kind, _ in api.statuses()] == ["carillon.delivery.delivered"]


async def test_an_address_that_bounced_is_dead_whatever_was_sent_since(api: Api) -> None:
    await api.sent("twilio", generation=1)
    await api.call(await callback("twilio", "undelivered", "30005"))
    assert await api.database.suppressions.count_documents({"by": "sms/twilio"}) == 1
    assert api.statuses() == []


async def test_what_is_kept_no_more_and_what_says_nothing_is_answered(api: Api) -> None:
    before = counted("twilio", "unknown"), counted("twilio", "ignored")
    assert (await api.call(await callback("twilio", "delivered"))).status == 204
    assert (await api.call(await callback("twilio", "sending"))).status == 204
    assert (counted("twilio", "unknown"), counted("twilio", "ignored")) == (before[0] + 1, before[1] + 1)
    assert api.log.written == []


async def test_a_batch_of_events_is_told_one_by_one(api: Api) -> None:
    await api.sent("sendgrid")
    made = await callback("sendgrid", "spamreport")
    assert (await api.call(made)).status == 204
    assert [kind for kind, _ in api.statuses()] == ["carillon.delivery.complained"]
    entry = await api.database.suppressions.find_one()
    assert entry is not None
    assert (entry["reason"], entry["by"], entry["tenant"]) == ("complained", "email/sendgrid", "acme")


@pytest.mark.parametrize("provider", WORDS)
async def test_what_the_provider_did_not_sign_is_refused(api: Api, provider: str) -> None:
    await api.sent(provider)
    made = await callback(provider, WORDS[provider][2][0], WORDS[provider][2][1])
    before = counted(provider, "forged")
    changed = [
        made._replace(body=made.body.replace(b"api-key", b"api-kex").replace(b"AccountSid", b"AccountSix").replace(b"sg_event_id", b"sg_event_ix").replace(b"wamid", b"wamix")),
        made._replace(headers={name: "x" if "Signature" in name else value for name, value in made.headers.items()}, body=made.body.replace(b"sig", b"sih")),
        made._replace(url=made.url.replace(f"callbacks/{provider}", "callbacks/nobody")),
        made._replace(url=f"{URL}/v1/callbacks/{provider}/" + "x" * 40, body=made.body + b" "),
        made._replace(url=f"{URL}/v1/callbacks/{'twilio' if provider != 'twilio' else 'sendgrid'}"),
    ]  # fmt: skip
    for each in changed:
        answer = await api.call(each)
        assert (answer.status, answer.json()["code"]) == (403, "forged_callback")
    assert counted(provider, "forged") >= before + 2
    assert await api.receipt(provider) is None
    assert await api.database.suppressions.count_documents({}) == 0


async def test_another_secret_or_none_makes_every_call_a_forgery(database: Database) -> None:
    made = await callback("twilio", "delivered")
    for changes in ({"callback_secret": "another-secret-of-callbacks"}, {"callback_url": "", "callback_secret": ""}):
        assert (await Api(database, **changes).call(made)).status == 403
    no_key = Api(database, sendgrid_public_key="")
    assert (await no_key.call(await callback("sendgrid", "delivered"))).status == 403


async def test_without_the_providers_key_the_path_is_enough(database: Database) -> None:
    api = Api(database, twilio_auth_token="", vonage_signature_secret="")
    for provider in ("twilio", "vonage"):
        await api.sent(provider)
        made = await callback(provider, "delivered")
        assert (await api.call(made._replace(headers={"Content-Type": made.headers["Content-Type"]}))).status == 204
    garbage = await api.call((await callback("vonage", "delivered"))._replace(body=b"{["))
    assert (garbage.status, garbage.json()["code"]) == (400, "unreadable_callback")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("hub.mode=subscribe&hub.verify_token=our-own-word&hub.challenge=1158201444", 200),
        ("hub.mode=subscribe&hub.verify_token=another&hub.challenge=1158201444", 403),
        ("hub.mode=unsubscribe&hub.verify_token=our-own-word&hub.challenge=1158201444", 403),
        ("hub.mode=subscribe&hub.verify_token=our-own-word&hub.challenge=%3Cscript%3E", 403),
        ("hub.mode=subscribe&hub.verify_token=our-own-word", 403),
        ("", 403),
    ],
)
async def test_meta_is_answered_when_its_webhook_is_set_up(database: Database, query: str, status: int) -> None:
    api = Api(database, whatsapp_verify_token="our-own-word")
    answer = await ask_app(api.app, "GET", f"/v1/callbacks/meta?{query}")
    assert answer.status == status
    assert (answer.body == b"1158201444") == (status == 200)
    no_word = await ask_app(
        Api(database).app, "GET", "/v1/callbacks/meta?hub.mode=subscribe&hub.verify_token=&hub.challenge=1"
    )
    assert no_word.status == 403


async def test_bodies_have_bounds(api: Api) -> None:
    made = await callback("twilio", "delivered")
    assert (await api.call(made._replace(body=made.body + b"x" * 65_536))).status == 413
    assert (await api.call(made._replace(headers={"Content-Length": "99999999"}))).status == 413


async def test_without_a_place_to_call_no_provider_is_given_one(database: Database) -> None:
    plain = SmsSettings(**fields(provider_settings("http://127.0.0.1:1")))
    for sender in (Twilio(plain), Vonage(plain)):
        request = await sender.request(delivery("twilio"), WORKFLOW, None)
        assert isinstance(request, HttpRequest)
        assert b"callback" not in request.body.lower()
    assert CallbackUrls(plain).token(delivery("twilio")) is None


async def test_what_anybody_sends_counts_as_work_before_its_signature_is_looked_at(database: Database) -> None:
    """Bodies are read first: without a bound, whoever finds the place fills the memory."""
    api, arrives = Api(database, requests_per_key=1), asyncio.Event()
    forged = (await callback("sendgrid", "delivered"))._replace(body=b"[]")
    first = asyncio.create_task(api.call(forged, arrives=arrives))
    await turns()
    refused = await api.call(forged)
    assert (refused.status, refused.json()["code"]) == (429, "too_many_requests")
    arrives.set()
    assert (await first).status == 403
    assert (await api.call(forged)).status == 403
