"""A test is rendered, counted and told, and reaches nobody but whom its tenant lets it reach."""

from __future__ import annotations

from typing import Any

import pytest

from services.delivery.core.effects import delivery_status
from services.delivery.rendering.liquid import RenderFailed
from services.delivery.tenants import TenantTexts
from shared.model.deliveries import DeliveryResult, DeliveryState
from shared.model.reasons import Reason
from shared.model.staging import SendMode, Staging
from shared.model.tenants import TenantSettings
from shared.model.topics import Topics
from tests.support import samples as a
from tests.unit.delivery.sendings import Scene, brief

pytestmark = pytest.mark.usefixtures("clock")
TEST = a.notification(test=True)


async def send(scene: Scene, staging: Staging | None = None, **changes: Any) -> DeliveryResult:
    scene.staging = staging
    scene.sending._tenants = TenantTexts(scene._settings)  # as a worker that has just started
    result = await scene.send(**({"notification": TEST} | changes))
    assert isinstance(result, DeliveryResult)
    return result


async def test_a_test_counts_as_sent_and_nothing_leaves() -> None:
    scene = Scene()
    result = await send(scene)
    assert (brief(result), result.mode, result.code) == (
        (DeliveryState.SENT, 1, None), SendMode.SIMULATED, "simulated",
    )  # fmt: skip
    assert scene.sender.received == []
    told = delivery_status(Topics(), a.delivery(), result)
    assert b'"mode":"simulated"' in (told.value or b"")


async def test_a_redirected_one_goes_to_the_one_address() -> None:
    scene = Scene()
    result = await send(scene, Staging(redirect={"email": "qa@acme.example"}))
    assert result.mode is SendMode.REDIRECTED
    assert [each.address for each in scene.sender.received] == ["qa@acme.example"]


async def test_who_is_allowed_and_what_is_no_test_go_as_usual() -> None:
    scene = Scene()
    allowed = await send(scene, Staging(allow={"email": ("ada@example.com",)}))
    usual = await send(scene, Staging(redirect={"email": "qa@acme.example"}), notification=a.notification())
    assert (allowed.mode, usual.mode) == (None, None)
    assert [each.address for each in scene.sender.received] == ["ada@example.com"] * 2


async def test_all_of_a_tenant_may_be_a_test() -> None:
    scene = Scene()
    assert (await send(scene, Staging(everything=True), notification=a.notification())).mode is SendMode.SIMULATED


async def test_a_template_that_breaks_is_found_by_a_test() -> None:
    scene = Scene()

    def broken(_: object) -> Any:
        raise RenderFailed("missing:data.order")

    scene.sender.outcome = broken
    result = await send(scene)
    assert (result.state, result.reason, result.code) == (
        DeliveryState.DEAD, Reason.RENDER_FAILED, "missing:data.order",
    )  # fmt: skip


def test_settings_are_of_the_tenant_or_else_of_the_environment() -> None:
    own, environment = Staging(everything=True), Staging()
    tenant, every = TenantSettings(tenant="acme", staging=own), TenantSettings(tenant="*", staging=environment)
    assert tenant.within(every).staging is own
    assert TenantSettings(tenant="acme").within(every).staging is environment
