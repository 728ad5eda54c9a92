"""Texts from Liquid templates (python-liquid), bounded in loops, depth and output."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import liquid
import orjson
from liquid.exceptions import LiquidError

from services.delivery.rendering.locales import localized
from shared.model.deliveries import Delivery
from shared.model.errors import CarillonError
from shared.model.templates import Text


class RenderFailed(CarillonError):
    """A template that cannot be rendered with this data; holds nothing of either."""


class _Bounded(liquid.Environment):
    context_depth_limit = 20
    loop_iteration_limit = 10_000
    local_namespace_limit = 1_000_000
    output_stream_limit = 262_144


_FAILURES = (LiquidError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""Filters let Python's own errors through: `round` of "inf", `for` with a negative offset."""


_PLAIN = _Bounded(autoescape=False)


_HTML = _Bounded(autoescape=True)


def context(delivery: Delivery) -> dict[str, Any]:
    """What templates see: `data`, `user.id`, `user.name`, `actor`, `workflow`, `event.type`. Raises RenderFailed."""
    notification = delivery.notification
    try:
        data = orjson.loads(bytes(notification.data))
    except orjson.JSONDecodeError as error:  # it is carried raw: the last hop may be the first to look inside
        raise RenderFailed("unreadable_data") from error
    return {
        "data": data,
        "user": {"id": notification.user, "name": delivery.name},
        "actor": notification.actor,
        "workflow": notification.workflow,
        "event": {"id": notification.event_id, "type": notification.event_type},
    }


def render(text: Text, locale: str | None, values: Mapping[str, Any], *, html: bool = False) -> str:
    """The text in the best locale there is. Raises RenderFailed."""
    try:
        return _template(localized(text, locale), html).render(**values)
    except _FAILURES as error:
        raise RenderFailed(type(error).__name__) from error


@lru_cache(maxsize=4096)
def _template(source: str, html: bool) -> liquid.BoundTemplate:
    return (_HTML if html else _PLAIN).from_string(source)
