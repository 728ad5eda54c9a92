"""Apprise: how targets are named, what a worker needs for them, what they are told."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from math import inf
from typing import Any, cast

import pytest
from pydantic import ValidationError

from services.delivery.channels.apprise.channel import open_channel, sender_of
from services.delivery.channels.apprise.compose import MAX_TEXT, AppriseMessage, compose
from services.delivery.channels.apprise.preview import preview
from services.delivery.channels.apprise.sender import AppriseSender
from services.delivery.channels.apprise.settings import AppriseSettings
from services.delivery.channels.apprise.targets import MAX_TARGETS, find_target, parse_targets
from services.delivery.channels.channel import ChannelContext
from services.delivery.channels.not_configured import NotConfigured
from services.delivery.rendering.liquid import RenderFailed
from services.delivery.settings import DeliverySettings
from shared.model import ids
from shared.model.channel_templates import Templates
from shared.model.channels import Channel
from shared.model.deliveries import Delivery
from shared.model.templates import AppriseTemplate
from tests.support import samples as a
from tests.support.twins.catalog import MemoryCatalog

SECRET = "T0KEN"


def to(name: str = "oncall", **changes: Any) -> Delivery:
    return a.delivery(channel=Channel.APPRISE, address=name, **changes)


def texts(text: Any = "Order {{ data.order }}", **more: Any) -> Any:
    return a.workflow(templates=Templates(apprise=AppriseTemplate(text=text, **more)))


def settings(targets: str) -> AppriseSettings:
    return AppriseSettings(apprise_targets=targets)


# Targets


@pytest.mark.parametrize("between", [",", ", ", "\n", " ,\n\t"])
def test_targets_are_named_in_a_line_or_a_line_each(between: str) -> None:
    text = between.join(["oncall=discord://1/a=b?c=d%2Ce", "acme/office=MMOST://h:8065/t", ""])
    assert parse_targets(text) == {"oncall": "discord://1/a=b?c=d%2Ce", "acme/office": "MMOST://h:8065/t"}


@pytest.mark.parametrize(
    "text",
    [
        f"json://h/{SECRET}", f"oncall={SECRET}", f"oncall=json:/{SECRET}", f"Oncall=json://{SECRET}", f"=json://{SECRET}",
        f"a/b/c=json://{SECRET}", f"/b=json://{SECRET}", f"oncall=json://h,{SECRET}",
        f"oncall=json://{SECRET},oncall=json://h", ",".join(f"t{n}=json://{SECRET}" for n in range(MAX_TARGETS + 1)),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_without_the_url(text: str) -> None:
    with pytest.raises(ValidationError) as refused:
        settings(text)
    (error,) = refused.value.errors(include_input=False)
    assert error["loc"] == ("apprise_targets",)
    assert SECRET not in error["msg"]


def test_a_tenants_own_target_comes_before_everybodys_and_is_nobody_elses() -> None:
    targets = parse_targets("oncall=json://all, acme/oncall=json://acme, acme/office=json://office")
    assert find_target(targets, "acme", "oncall") == "acme/oncall"
    assert find_target(targets, "other", "oncall") == "oncall"
    assert find_target(targets, "acme", "office") == "acme/office"
    assert find_target(targets, "other", "office") is None
    assert find_target(targets, "other", "acme/office") == "acme/office", (
        "no recipient is named so: names have no slash"
    )


# Settings


@pytest.mark.parametrize("url", [f"nosuch://{SECRET}", "json://", f"slack://{SECRET}"])
def test_a_target_that_apprise_does_not_know_is_named_at_start(url: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValidationError) as refused:
        settings(f"oncall=json://127.0.0.1/, wrong={url}")
    (error,) = refused.value.errors(include_input=False)
    assert "wrong: Apprise has no such service" in error["msg"]
    assert SECRET not in error["msg"] + "".join(capfd.readouterr())


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "services.delivery.channels.apprise.settings.find_spec", lambda name: None if name == "apprise" else found(name)
    )
    with pytest.raises(ValidationError, match=r"pip install 'carillon-platform\[apprise\]'"):
        settings("oncall=json://127.0.0.1/")
    assert settings("").targets == {}


def test_the_extra_is_imported_by_nobody_who_names_no_target() -> None:
    code = (
        "import sys; import services.delivery.channels.apprise.channel as c; import services.delivery.app; "
        "c.SETTINGS(); assert 'apprise' not in sys.modules; "
        "c.SETTINGS(apprise_targets='a=json://h'); assert 'apprise' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={})


class _Anything:
    """A database that nobody asks."""

    def __getattr__(self, _name: str) -> _Anything:
        return self


@pytest.mark.parametrize(("targets", "kind"), [("", NotConfigured), ("oncall=json://127.0.0.1/", AppriseSender)])
async def test_what_waits_for_a_target_is_found_again_once_there_is_one(targets: str, kind: type[object]) -> None:
    context = ChannelContext(
        channel=Channel.APPRISE,
        settings=DeliverySettings(),
        own=settings(targets),
        database=cast("Any", _Anything()),
        catalog=cast("Any", MemoryCatalog()),
    )
    assert isinstance(sender_of(context), kind)
    opened = open_channel(context)
    breaker = opened._sending.breaker
    assert breaker.waits_for(to()) == ids.endpoint_id("acme", "oncall") != breaker.waits_for(to("office"))
    assert breaker.policy.disable_after is None, "the operator's own: who would name it anew?"
    await opened.close()


# Texts


def test_a_text_and_a_title_are_plain() -> None:
    workflow = texts("Order <{{ data.order }}>\n", title=" Shipped\n{{ data.order }} ")
    assert compose(to(), workflow, None) == AppriseMessage(text="Order <A7>", title="Shipped A7")
    assert preview(to(), workflow, None) == {"text": "Order <A7>", "title": "Shipped A7"}
    assert preview(to(), texts(), None) == {"text": "Order A7"}


def test_both_are_in_the_recipients_language() -> None:
    workflow = texts({"en": "Hi", "de": "Servus"}, title={"en": "T", "de": "D"})
    assert compose(to(locale="de-AT"), workflow, None) == AppriseMessage(text="Servus", title="D")


@pytest.mark.parametrize(
    ("text", "says"),
    [("{{ data.none }}", "missing:data.none"), (" ", "empty_text"), ("a" * (MAX_TEXT + 1), "too_long")],
)
async def test_what_cannot_be_sent_says_why(text: str, says: str) -> None:
    sender = AppriseSender({}, lambda _: lambda _: True, timeout_seconds=1)
    with pytest.raises(RenderFailed, match=says):
        await sender.prepare(to(), texts(text))
    with pytest.raises(RenderFailed, match=says):
        await sender.send(to(), texts(text), inf)
    with pytest.raises(RenderFailed, match="no_template"):
        await sender.prepare(to(), a.workflow())
