"""The rules, broken: what goes, when, how often and by which channel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec

from services.router.core.decision import Decision
from shared.deciding.history import Count
from shared.deciding.items import Deliver, RoutingItem
from shared.deciding.routing_input import RoutingInput
from shared.deciding.steps import channel, throttle
from shared.model.channels import Channel
from shared.model.digests import Digest
from shared.model.steps import ChannelStep
from shared.model.workflows import Workflow
from tests.chaos.breaks.breaking import Break, replace
from tests.chaos.breaks.scenes import CALM, QUIET, Scene


def opt_outs_ignored() -> None:
    replace(channel, "channel_refusal", lambda *_: None)


def quiet_hours_ignored() -> None:
    replace(channel, "quiet_until", lambda *_: None)


def throttle_not_counted() -> None:
    def recent(counts: Iterable[Count], since: int) -> int:
        return 0

    replace(throttle, "recent", recent)


def _change_digests(change: Callable[[tuple[Any, ...]], tuple[Any, ...]]) -> None:
    digest_for = Decision.digest_for

    def changed(self: Decision, item: Deliver) -> Digest | None:
        digest = digest_for(self, item)
        return None if digest is None else msgspec.structs.replace(digest, items=change(digest.items))

    replace(Decision, "digest_for", changed)


def digest_item_left_out() -> None:
    _change_digests(lambda items: items[:-1])


def digest_item_said_twice() -> None:
    _change_digests(lambda items: (*items, *items[:1]))


def every_channel_taken() -> None:
    def every(
        inputs: RoutingInput, workflow: Workflow, step: ChannelStep, channels: Sequence[Channel], now: int
    ) -> tuple[RoutingItem, ...]:
        return channel._all(inputs, workflow, step.key, channels, now)

    replace(channel, "_first", every)


def _row(name: str, apply: Any, *shows: str, scene: Scene = CALM) -> Break:
    return Break(name=name, apply=apply, services=("router",), shows=frozenset(shows), scene=scene)


BREAKS: Final = (
    _row("an opt-out is ignored", opt_outs_ignored, "unwanted"),
    _row("quiet hours are ignored", quiet_hours_ignored, "early", scene=QUIET),
    _row("a throttle counts nothing", throttle_not_counted, "unlimited"),
    _row("an item of a digest is left out", digest_item_left_out, "ungathered"),
    _row("an item of a digest is said twice", digest_item_said_twice, "ungathered"),
    _row("of alternative channels all are taken", every_channel_taken, "split"),
)
