"""What a WhatsApp message says: a text, or the places of a template that Meta has."""

from __future__ import annotations

import re
from typing import Final

from services.delivery.rendering.liquid import RenderFailed, context, render
from services.delivery.rendering.locales import localized, one_locale
from services.delivery.rendering.plain import message_text, one_line
from shared.model.channels import Channel
from shared.model.deliveries import Delivery
from shared.model.templates import WhatsAppTemplate
from shared.model.tenants import TenantSettings
from shared.model.texts import texts_of
from shared.model.workflows import Workflow

MAX_TEXT: Final = 4096
_MANY_SPACES: Final = re.compile(" {5,}")
"""Meta refuses these in a parameter, as it does line breaks and tabs."""


def compose(delivery: Delivery, workflow: Workflow, tenant: TenantSettings | None) -> dict[str, object]:
    """`type` and what belongs to it, as Meta takes them; all of it in one locale.

    Raises RenderFailed: `too_long` for a text above MAX_TEXT, `empty_parameter:N` for the Nth part that says nothing.
    """
    template = texts_of(workflow, delivery.step, delivery.variant, Channel.WHATSAPP)
    if not isinstance(template, WhatsAppTemplate):
        raise RenderFailed("no_template")
    values = context(delivery, tenant)
    if template.text is not None:
        text = message_text(render(localized(template.text, delivery.locale), None, values))
        if len(text) > MAX_TEXT:
            raise RenderFailed("too_long")
        return {"type": "text", "text": {"body": text}}
    if template.template is None or template.language is None:  # publishing refuses it
        raise RenderFailed("no_template")
    url = () if template.url_parameter is None else (template.url_parameter,)
    language, *sources = one_locale([template.language, *template.parameters, *url], delivery.locale)
    found = [_parameter(render(source, None, values), place) for place, source in enumerate(sources, start=1)]
    of_body, of_url = found[: len(template.parameters)], found[len(template.parameters) :]
    components: list[dict[str, object]] = [{"type": "body", "parameters": of_body}] if of_body else []
    if of_url:
        components.append({"type": "button", "sub_type": "url", "index": "0", "parameters": of_url})
    return {
        "type": "template",
        "template": {"name": template.template, "language": {"code": language}, "components": components},
    }


def _parameter(rendered: str, place: int) -> dict[str, str]:
    try:
        text = message_text(_MANY_SPACES.sub(" " * 4, one_line(rendered)))
    except RenderFailed as error:
        raise RenderFailed(f"empty_parameter:{place}" if str(error) == "empty_text" else str(error)) from error
    return {"type": "text", "text": text}
