"""The unsubscribe link over HTTP, against a real MongoDB: GET changes nothing, POST counts, and again is the same."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI

from services.gateway.app import create_api
from services.gateway.cors import InboxCors
from services.gateway.origins import Origins
from services.gateway.settings import GatewaySettings
from shared.http.tokens import TokenVerifier
from shared.model.owners import address_ids
from shared.model.profiles import Preferences
from shared.model.records import decode_record
from shared.model.suppressions import SuppressionReason
from shared.model.topics import Topics
from shared.model.unsubscribing import UnsubscribeLink, sign
from shared.mongo import profiles
from shared.mongo.database import Database
from shared.mongo.suppressions import Suppressions
from tests.support import samples as a
from tests.support.asgi import AsgiAnswer, ask_app
from tests.support.twins.publisher import MemoryPublisher

pytestmark = pytest.mark.real
TOPICS = Topics()
OLD, NEW = "old-secret-of-unsubscribe-links", "new-secret-of-unsubscribe-links"
(ADDRESS,) = address_ids({"email": "eve@example.com"})
ADA = UnsubscribeLink(tenant="acme", user="ada", category="orders", delivery="d-1")
EVE = UnsubscribeLink(tenant="acme", address=ADDRESS, category="orders", delivery="d-2")
FORM = b"List-Unsubscribe=One-Click"
MULTIPART = b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'
URLENCODED = {"content-type": "application/x-www-form-urlencoded"}


class Gateway:
    """The users' edge as a mail program meets it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.log = MemoryPublisher()
        settings = GatewaySettings(token_secret="s" * 32, unsubscribe_secret=f"{NEW},{OLD}")
        parts: Any = {name: SimpleNamespace() for name in ("catalog", "store", "changes", "subscriptions", "tickets")}
        self.api: FastAPI = create_api(
            settings, TokenVerifier(secret="s" * 32), components={}, database=database, writer=self.log, **parts
        )
        self.app = InboxCors(self.api, Origins(()))

    async def put(self, **changes: Any) -> None:
        await profiles.write(
            self.database, MemoryPublisher(), TOPICS, tenant="acme", user="ada", change=lambda _: a.profile(**changes)
        )

    async def get(self, token: str, **headers: str) -> AsgiAnswer:
        return await ask_app(self.app, "GET", f"/u/{token}", headers=headers)

    async def post(self, token: str, body: bytes = FORM, **headers: str) -> AsgiAnswer:
        return await ask_app(self.app, "POST", f"/u/{token}", headers={**URLENCODED, **headers}, body=body)

    async def forbidden(self) -> dict[str, bool]:
        profile = await profiles.read(self.database, "acme", "ada")
        return {} if profile is None else profile.preferences.categories


@pytest.fixture
async def gateway(database: Database) -> Gateway:
    found = Gateway(database)
    await found.put()
    return found


def of(link: UnsubscribeLink, secret: str = NEW) -> str:
    return sign(link, secret.encode())


async def test_get_shows_a_page_and_changes_nothing(gateway: Gateway) -> None:
    shown = await gateway.get(of(ADA), **{"accept-language": "de-DE"})
    assert (shown.status, shown.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert shown.headers["content-language"] == "de"
    assert 'lang="de"' in shown.body.decode()
    assert "orders" in shown.body.decode()
    assert (shown.headers["cache-control"], shown.headers["referrer-policy"]) == ("no-store", "no-referrer")
    assert await gateway.forbidden() == {}
    assert gateway.log.written == []


@pytest.mark.parametrize("body", [FORM, MULTIPART])
async def test_a_user_is_opted_out_before_the_answer_and_again_is_the_same(gateway: Gateway, body: bytes) -> None:
    for _ in range(2):
        done = await gateway.post(of(ADA, OLD), body, origin="null")
        assert done.status == 200
        assert await gateway.forbidden() == {"orders": False}
    assert [decode_record(output.value).user for output in gateway.log.written] == ["ada"] * 2


async def test_what_the_user_chose_besides_stays(gateway: Gateway) -> None:
    await gateway.put(preferences=Preferences(categories={"news": False}), mute_until=a.NIGHT)
    await gateway.post(of(UnsubscribeLink(tenant="acme", user="ada", workflow="order.shipped", delivery="d-1")))
    profile = await profiles.read(gateway.database, "acme", "ada")
    assert profile is not None
    assert profile.preferences == Preferences(categories={"news": False}, workflows={"order.shipped": False})
    assert (profile.addresses, profile.mute_until) == (a.ADDRESSES, a.NIGHT)


async def test_who_has_no_account_is_on_the_list_for_that_category(gateway: Gateway) -> None:
    for _ in range(2):
        assert (await gateway.post(of(EVE))).status == 200
    [entry] = (await Suppressions(gateway.database).of_addresses({"acme": [ADDRESS]}))["acme", ADDRESS]
    assert (entry.reason, entry.category, entry.by) == (SuppressionReason.UNSUBSCRIBED, "orders", "one-click")


@pytest.mark.parametrize(
    "token", ["x", of(ADA)[:-1], of(ADA) + "A", "%00", of(ADA, "another-secret-of-somebody"), "a" * 5000]
)
async def test_what_is_no_link_of_ours_is_a_page_with_404(gateway: Gateway, token: str) -> None:
    for answer in (await gateway.get(token), await gateway.post(token)):
        assert (answer.status, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert await gateway.forbidden() == {}
    assert await gateway.database.suppressions.count_documents({}) == 0


async def test_a_post_without_the_form_changes_nothing(gateway: Gateway) -> None:
    for body in (b"", b"List-Unsubscribe=", b"One-Click"):
        assert (await gateway.post(of(ADA), body)).status == 400
    assert (await gateway.post(of(ADA), b"x" * 10_000)).status == 413
    assert await gateway.forbidden() == {}


async def test_whoever_has_the_id_next_is_not_opted_out(gateway: Gateway) -> None:
    await profiles.remove(gateway.database, MemoryPublisher(), TOPICS, tenant="acme", user="ada")
    assert (await gateway.post(of(ADA))).status == 404
    assert await profiles.read(gateway.database, "acme", "ada") is None, "nor comes a deleted one back"
    await gateway.put()
    assert (await gateway.post(of(ADA))).status == 404
    assert await gateway.forbidden() == {}


async def test_what_cannot_be_told_is_tried_again(gateway: Gateway) -> None:
    for link in (ADA, EVE):
        gateway.log.outages.add()
        if link is EVE:
            await gateway.put(addresses={"email": "eve@example.com"})
        later = await gateway.post(of(link))
        assert (later.status, later.headers["retry-after"]) == (503, "60")
        assert (await gateway.post(of(link))).status == 200
