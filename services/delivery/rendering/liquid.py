"""Texts from Liquid templates (python-liquid), bounded in loops, depth and output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import liquid
import orjson
from liquid.exceptions import LiquidError, UndefinedError
from liquid.filter import string_filter
from liquid.template import BoundTemplate

from services.delivery.rendering.cached import CachedByBytes
from services.delivery.rendering.local_values import LOCAL_FILTERS, RECIPIENT, TextRecipient, WrongArgument, WrongValue
from services.delivery.rendering.locales import localized
from services.delivery.rendering.metered import (
    Buffer,
    CountedForTag,
    CountedTablerowTag,
    StrictContext,
    StrictTemplate,
)
from services.delivery.rendering.missing import NUMERIC, MissingField, name_of, needs_values
from services.delivery.rendering.sources import check_source
from shared.model.deliveries import Delivery
from shared.model.digest_items import digest_items
from shared.model.errors import CarillonError
from shared.model.templates import Text
from shared.model.tenants import TenantSettings


class RenderFailed(CarillonError):
    """A template that cannot be rendered with this data; holds nothing of either."""


MAX_OUTPUT = 262_144
PLAIN = 16_384
"""Characters of a text in ASCII that is no template: it says what stands there."""
MAX_BYTES = 67_108_864
"""Of all templates that are kept ready: some ten thousand of usual ones."""
BYTES_PER_CHARACTER = 64
"""What a template takes that is nothing but variables (measured); one of plain text takes 1."""


@string_filter
def _path_encode(text: str) -> str:
    """One segment of a URL's path (RFC 3986): a space is `%20`, a slash `%2F`."""
    return quote(text, safe="")


class _Bounded(liquid.Environment):
    template_class = StrictTemplate

    context_depth_limit = 20
    loop_iteration_limit = 10_000
    local_namespace_limit = 1_000_000
    output_stream_limit = MAX_OUTPUT

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        super().setup_tags_and_filters(extra=extra)
        self.add_tag(CountedForTag)
        self.add_tag(CountedTablerowTag)
        self.add_filter("path_encode", _path_encode)
        for name, made in LOCAL_FILTERS.items():
            self.add_filter(name, needs_values(made))
        for name in NUMERIC:
            self.add_filter(name, needs_values(self.filters[name]))

    def from_string(self, source: str, *given: Any, **named: Any) -> BoundTemplate:
        check_source(source)
        return super().from_string(source, *given, **named)


RENDER_FAILURES = (LiquidError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""Filters let Python's own errors through: `round` of "inf", `for` with a negative offset."""


def environment() -> liquid.Environment:
    """As plain texts are rendered: its filters and limits."""
    return _Bounded(autoescape=False, undefined=MissingField)


_PLAIN = environment()


_HTML = _Bounded(autoescape=True, undefined=MissingField)


def context(delivery: Delivery, tenant: TenantSettings | None = None) -> dict[str, Any]:
    """What templates see: `data`, `digest`, `user.id`, `user.name`, `actor`, `workflow`, `event.type`, `tenant.brand`.

    `digest` is there for all: of a notification that gathered none it has a `count` of 1 and that one among its `items`.
    Raises RenderFailed.
    """
    notification = delivery.notification
    try:
        count, items = _gathered(delivery)
    except ValueError as error:  # it is carried raw: the last hop may be the first to look inside
        raise RenderFailed("unreadable_data") from error
    return {
        "data": items[-1],
        "digest": {"count": count, "items": items},
        "user": {"id": notification.user, "name": delivery.name},
        "actor": notification.actor,
        "workflow": notification.workflow,
        "event": {"id": notification.event_id, "type": notification.event_type},
        "tenant": _tenant(notification.tenant, tenant),
        RECIPIENT: TextRecipient(delivery.locale, delivery.zone),
    }


def _gathered(delivery: Delivery) -> tuple[int, list[Any]]:
    """How many, and the data of those that are shown, the newest last. Raises ValueError."""
    own = bytes(delivery.notification.data)
    if delivery.digest is None:  # the usual one, at no more than reading its data costs
        return 1, [orjson.loads(own)]
    digest = digest_items(delivery)
    return digest.count, [orjson.loads(bytes(item)) for item in digest.items] or [orjson.loads(own)]


def _tenant(name: str, settings: TenantSettings | None) -> dict[str, Any]:
    """A name that is not set is missing, as a field of the data would be."""
    if settings is None:
        return {"id": name, "brand": {}}
    named = {} if settings.name is None else {"name": settings.name}
    return {"id": name, "brand": settings.brand, **named}


def render(text: Text, locale: str | None, values: Mapping[str, Any], *, html: bool = False) -> str:
    """The text in the best locale there is, character by character as template and data say.

    Raises RenderFailed; it says `missing:data.order` for what a text needs and the data have not, `wrong:plural` for what
    a filter cannot show.
    """
    try:
        source = localized(text, locale)
        if "{" not in source and len(source) < PLAIN and source.isascii():
            return str(source)
        template = _templates((source, html))
        about = StrictContext(template, globals=template.make_globals(values))
        about.locale = getattr(source, "locale", None)
        written = Buffer(MAX_OUTPUT, about.work)
        template.render_with_context(about, written)
        return written.getvalue()
    except UndefinedError as error:
        raise RenderFailed(f"missing:{name_of(error)}") from error
    except (WrongValue, WrongArgument) as error:
        raise RenderFailed(f"wrong:{error.filter}") from error
    except RENDER_FAILURES as error:
        raise RenderFailed(type(error).__name__) from error


def _parse(key: tuple[str, bool]) -> liquid.BoundTemplate:
    source, html = key
    return (_HTML if html else _PLAIN).from_string(source)


_templates = CachedByBytes(_parse, lambda key: len(key[0]) * BYTES_PER_CHARACTER, max_bytes=MAX_BYTES)
