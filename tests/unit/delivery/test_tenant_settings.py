"""Tenants' settings in delivery: late ones are compared with them, texts are dressed in them."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from services.delivery.rendering.liquid import RenderFailed, context, render
from services.delivery.tenants import KEPT_SECONDS, TenantTexts, TenantVersions
from shared.model.deliveries import DeliveryState
from shared.model.formats import NewerFormat
from shared.model.tenants import ENVIRONMENT, TenantSettings
from tests.support import samples as a
from tests.support.twins.tenants import MemoryTenants
from tests.unit.delivery.test_send import LATE, Scene, brief

pytestmark = pytest.mark.usefixtures("clock")
ACME = TenantSettings(tenant="acme", name="Acme", brand={"logo": "https://acme.example/l.png?a=1&b=2"})


@pytest.mark.parametrize(
    ("template", "html", "text"),
    [
        ("{{ tenant.id }}: {{ tenant.name }}", False, "acme: Acme"),
        ("<img src='{{ tenant.brand.logo }}'>", False, "<img src='https://acme.example/l.png?a=1&b=2'>"),
        ("<img src='{{ tenant.brand.logo }}'>", True, "<img src='https://acme.example/l.png?a=1&amp;b=2'>"),
        ("{% if tenant.brand.color %}x{% endif %}{{ tenant.brand.color | default: 'none' }}", False, "none"),
    ],
)
def test_texts_are_dressed_in_what_the_tenant_has(template: str, html: bool, text: str) -> None:
    assert render(template, None, context(a.delivery(), ACME), html=html) == text


@pytest.mark.parametrize("name", ["tenant.name", "tenant.brand.logo"])
def test_what_a_text_needs_and_the_tenant_has_not_is_named(name: str) -> None:
    with pytest.raises(RenderFailed) as failed:
        render(f"{{{{ {name} }}}}", None, context(a.delivery()))
    assert str(failed.value) == f"missing:{name}"


async def test_what_tenants_look_like_is_read_once_a_minute() -> None:
    stored, now = MemoryTenants(ACME), [0.0]
    texts = TenantTexts(stored.read_many, clock=lambda: now[0])
    stored.outages.add()
    assert await texts.of("acme") == ACME, "it waits for MongoDB"
    assert await texts.of("other") is None
    reads, now[0] = stored.reads, 59.9
    assert await texts.of("acme") == ACME
    assert stored.reads == reads
    now[0] = 60.0
    stored.put(msgspec.structs.replace(ACME, version=2, name="Acme & Sons"))
    changed = await texts.of("acme")
    assert changed is not None
    assert changed.name == "Acme & Sons"


async def test_however_many_tenants_there_are_what_is_about_to_be_used_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.delivery.tenants.MAX_KEPT", 10)
    now = [0.0]
    texts = TenantTexts(MemoryTenants(ACME).read_many, clock=lambda: now[0])
    await texts.of("acme")
    for number in range(50):
        now[0] += 1.0
        await texts.of(f"t{number}")
    assert texts.known("acme") == ACME
    now[0] += KEPT_SECONDS
    for number in range(50):
        await texts.of(f"u{number}")
    assert len(texts._known) == 50, "what nobody asked for lately has gone"


async def test_of_many_that_ask_for_a_tenant_at_once_one_reads() -> None:
    stored = MemoryTenants(ACME)
    texts = TenantTexts(stored.read_many)
    assert await asyncio.gather(*(texts.of("acme") for _ in range(50))) == [ACME] * 50
    assert stored.reads == 1


async def test_what_only_a_newer_version_reads_of_a_tenant_waits_for_it() -> None:
    texts = TenantTexts(MemoryTenants(msgspec.structs.replace(ACME, format=a.NEWER)).read_many)
    with pytest.raises(NewerFormat):
        await texts.of("acme")


@pytest.mark.parametrize(
    ("changes", "stale"),
    [
        ({"decided_at": LATE, "tenant_version": 5}, False),
        ({"decided_at": LATE, "tenant_version": 3}, True),
        ({"decided_at": LATE}, True),
        ({"decided_at": LATE + 1, "tenant_version": 3}, False),
        ({"decided_at": LATE, "notification": a.notification(tenant="other"), "tenant_version": 2}, True),
    ],
)
async def test_settings_of_tenant_or_environment_that_changed_since_make_it_stale(
    changes: dict[str, Any], stale: bool
) -> None:
    scene = Scene()
    scene.tenants.put(TenantSettings(tenant="acme", version=3), TenantSettings(tenant=ENVIRONMENT, version=2))
    result = await scene.send(**changes)
    assert (brief(result)[0] is DeliveryState.STALE) is stale


async def test_of_many_late_ones_one_look_a_second_at_their_tenants_is_enough() -> None:
    stored, now = MemoryTenants(TenantSettings(tenant="acme", version=3)), [0.0]
    versions = TenantVersions(stored.versions, clock=lambda: now[0])
    assert await versions(["acme", "other"]) == {"acme": 3, "other": 0}
    stored.put(TenantSettings(tenant="acme", version=4))
    now[0] = 0.9
    assert await versions(["acme"]) == {"acme": 3}
    now[0] = 1.0
    assert await versions(["acme"]) == {"acme": 4}
    assert stored.reads == 2
