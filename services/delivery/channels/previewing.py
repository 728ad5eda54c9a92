"""What a message of a channel would be, as it would be sent: for eyes, before anything is published.

A channel's folder may say it itself, in a `preview.py` with a `preview(delivery, workflow, tenant)` of this form; without
it, the parts of its template are rendered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import orjson

from services.delivery.rendering.links import SafeLinks
from services.delivery.rendering.liquid import RenderFailed, context, render
from services.delivery.rendering.locales import one_locale
from shared.model.channels import Channel
from shared.model.deliveries import Delivery
from shared.model.digest_items import newest_data
from shared.model.tenants import TenantSettings
from shared.model.texts import parts_of, texts_of
from shared.model.workflows import Workflow

Preview = Callable[[Delivery, Workflow, TenantSettings | None], Mapping[str, Any]]
LINKS = SafeLinks()


def previewed(delivery: Delivery, workflow: Workflow | None, tenant: TenantSettings | None) -> Mapping[str, Any]:
    """The parts of the message, by name. Raises RenderFailed where it would be a dead letter."""
    if workflow is None:
        raise RenderFailed("no_template")
    return _of(delivery.channel)(delivery, workflow, tenant)


def _of(channel: Channel) -> Preview:
    folder = f"{__package__}.{channel}"
    if find_spec(folder) is None or find_spec(f"{folder}.preview") is None:
        return parts
    found: Preview = import_module(f"{folder}.preview").preview
    return found


def parts(delivery: Delivery, workflow: Workflow, tenant: TenantSettings | None) -> Mapping[str, Any]:
    """Each part of the template in one locale; a `url` that may not be followed is left out. Without a template: its data."""
    if delivery.channel.spec.template is None:
        return {"data": orjson.loads(bytes(newest_data(delivery)))}
    template = texts_of(workflow, delivery.step, delivery.variant, delivery.channel)
    if template is None:
        raise RenderFailed("no_template")
    values, texts = context(delivery, tenant), {name: text for name, text in parts_of(template) if text}
    sources = dict(zip(texts, one_locale(list(texts.values()), delivery.locale), strict=True))
    found = {name: render(source, None, values) for name, source in sources.items()}
    return {
        name: text
        for name, text in found.items()
        if name.rpartition("/")[2] != "url" or LINKS.allows(text, sources[name])
    }
