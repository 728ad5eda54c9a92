"""Which account carries a push message, and what its trouble holds up."""

from __future__ import annotations

from services.delivery.channels.not_configured import NotConfigured
from services.delivery.channels.push.accounts import PlatformAccounts, push_service_of
from services.delivery.channels.stub import StubSender
from services.delivery.parking import Parking
from shared.model.channels import Channel
from shared.model.devices import Platform
from shared.model.provider_accounts import unknown
from tests.support import samples as a
from tests.support.twins.holds import MemoryHolds
from tests.support.twins.provider_accounts import MemoryProviderAccounts
from tests.unit.delivery.push.texts import browser, push
from tests.unit.delivery.scenes import POLICY

SENDERS = {platform: StubSender() for platform in Platform}


def at(host: str) -> object:
    return push(address=browser(endpoint=f"https://{host}/s/1"))


def account(delivery: object, senders: object = SENDERS) -> str:
    (found,) = PlatformAccounts(Channel.PUSH, senders).of(delivery)
    return found.id


def test_each_platform_has_its_own() -> None:
    assert account(push()) == "push/fcm"
    assert account(push(address="apns:" + "ab" * 32)) == "push/apns"


def test_each_push_service_has_one_that_does_not_name_it() -> None:
    one, two = account(at("push.example.com")), account(at("other.example.com"))
    assert one != two
    assert one == account(at("PUSH.example.com"))
    assert "example" not in one
    assert push_service_of(push(address="webpush:x")) is None


def test_what_waits_for_web_push_goes_on_once_it_is_set_up() -> None:
    """Whatever waits under an account of ours that there is no more is released."""
    without = PlatformAccounts(Channel.PUSH, {Platform.FCM: StubSender()})
    assert without.waits_for(at("push.example.com")) == "push/webpush"
    assert isinstance(without.of(at("push.example.com"))[0].sender, NotConfigured)
    assert without.ours == {"push/fcm", "push/apns", "push/webpush"}
    assert PlatformAccounts(Channel.PUSH, SENDERS).ours == {"push/fcm", "push/apns"}


async def test_a_push_service_in_trouble_is_not_forgotten_with_accounts_that_there_are_no_more() -> None:
    rows, holds, known = MemoryProviderAccounts(), MemoryHolds(), set()
    service = account(at("push.example.com"))
    for name in (service, "push/gone", "push"):
        assert await rows.swap(None, unknown(name, Channel.PUSH, a.NOON))
    parking = Parking(
        channel=Channel.PUSH,
        accounts=PlatformAccounts(Channel.PUSH, SENDERS),
        rows=rows,
        holds=holds,
        policy=POLICY,
        slice_size=3,
        learn=known.update,
    )
    await parking._survey()
    assert known == {service}
    assert await rows.known(Channel.PUSH) == {service}
