"""Runs to ask about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from shared.deciding.items import HoldUntil, RoutingItem, Suppress
from shared.deciding.routing_input import RoutingInput
from shared.model.holds import Cause
from shared.model.reasons import Reason
from shared.model.rules import Rule
from shared.model.steps import (
    ChannelChoice,
    ChannelStep,
    Step,
)
from shared.model.tenants import TenantSettings
from tests.support import samples as a
from tests.unit.router import test_routing as before

IN_APP, EMAIL, WEBHOOK = a.ALL
SHOW = ChannelStep(key="show", channels=(IN_APP,))
MAIL = ChannelStep(key="mail", channels=(EMAIL,))
FIRST = ChannelStep(
    key="first", channels=(EMAIL, WEBHOOK, IN_APP), deliver=ChannelChoice.FIRST, fallback_after_seconds=60
)
HOUR = 3_600_000
SHOWN, MAILED = before.deliver(IN_APP, step="show"), before.deliver(EMAIL, step="mail")


def asked(*steps: Step, data: bytes = b'{"order":"A7"}', **changes: Any) -> RoutingInput:
    """Of a workflow of these steps; what begins with `n_` is the notification's, with `w_` the workflow's, `p_` the profile's."""
    parts: dict[str, dict[str, Any]] = {"n": {"data": msgspec.Raw(data)}, "w": {}, "p": {}}
    rest = {}
    for name, value in changes.items():
        part, _, field = name.partition("_")
        if part in parts:
            parts[part][field] = value
        else:
            rest[name] = value
    if steps:
        parts["w"]["steps"] = steps
    made = {
        "notification": a.notification(**parts["n"]),
        "workflow": a.workflow(**parts["w"]),
        "profile": a.profile(**parts["p"]),
    }
    return a.routing_input(**made | rest)


def tenant(**changes: Any) -> TenantSettings:
    return TenantSettings(tenant="acme", version=1, **changes)


def held(reason: Reason, rule: Rule, cause: Cause, due: int, **more: Any) -> HoldUntil:
    """A run waits; whatever it waits for, it has its day from then on."""
    expires_at = due + a.DAY if due + a.DAY > a.NOON + a.DAY else None
    return HoldUntil(reason=reason, rule=rule, cause=cause, due=due, **({"expires_at": expires_at} | more))


def ends(reason: Reason, rule: Rule, step: str, **more: Any) -> Suppress:
    return Suppress(reason=reason, rule=rule, step=step, **more)


def only(items: Sequence[RoutingItem], kind: type | tuple[type, ...]) -> list[Any]:
    return [item for item in items if isinstance(item, kind)]
