"""The message of an e-mail delivery."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from typing import Final

import msgspec

from services.delivery.channels.email.headers import mailbox_field, text_field, token_field
from services.delivery.channels.email.mailboxes import InvalidAddress, Mailbox, wire_address
from services.delivery.channels.email.unsubscribe import UnsubscribeFields
from services.delivery.rendering.links import SafeLinks
from services.delivery.rendering.liquid import RenderFailed, context, render
from services.delivery.rendering.locales import one_locale
from services.delivery.rendering.plain import printable_lines
from shared.model.channels import Channel
from shared.model.deliveries import Delivery
from shared.model.templates import EmailTemplate
from shared.model.tenants import TenantSettings
from shared.model.texts import texts_of
from shared.model.workflows import Workflow

_ASCII: Final = SMTP.clone(cte_type="7bit")
"""Bodies that are not ASCII are encoded, so that no server has to offer 8BITMIME."""


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """A message in its envelope. `content` is ASCII, its lines end with CRLF."""

    sender: str
    recipient: str
    content: bytes


def compose(
    delivery: Delivery,
    workflow: Workflow,
    sender: Mailbox,
    links: SafeLinks,
    *,
    tenant: TenantSettings | None = None,
    unsubscribe: UnsubscribeFields | None = None,
) -> Mail:
    """The message, in one locale. No control character of data gets into it. Raises RenderFailed."""
    template = texts_of(workflow, delivery.step, delivery.variant, Channel.EMAIL)
    if not isinstance(template, EmailTemplate):
        raise RenderFailed("no_template")
    texts = [template.subject, template.text, *([] if template.html is None else [template.html])]
    subject, text, *html = one_locale(texts, delivery.locale)
    values = context(delivery, tenant)
    try:
        recipient = wire_address(delivery.address)
        fields = [
            mailbox_field("From", sender.name, sender.address),
            mailbox_field("To", "", recipient),
            text_field("Subject", render(subject, None, values)),
            token_field("Message-ID", f"<{delivery.id}@{sender.domain}>"),
            token_field("Date", formatdate(delivery.decided_at / 1000, usegmt=True)),
            token_field("Auto-Submitted", "auto-generated"),
            token_field("X-Carillon-Notification", delivery.notification.id),
            *([] if unsubscribe is None else unsubscribe.of(delivery, workflow)),
        ]
    except InvalidAddress as error:
        raise RenderFailed("header:To") from error
    except UnicodeEncodeError as error:  # a lone surrogate
        raise RenderFailed("header:UnicodeEncodeError") from error
    body = EmailMessage(policy=_ASCII)
    try:
        body.set_content(printable_lines(render(text, None, values)))
        for source in html:
            rendered = printable_lines(render(source, None, values, html=True))  # first: a control may hide a scheme
            body.add_alternative(links.in_html(rendered, source), subtype="html")
        content = body.as_bytes()
    except UnicodeEncodeError as error:
        raise RenderFailed("body:UnicodeEncodeError") from error
    return Mail(sender=sender.address, recipient=recipient, content=b"".join(fields) + content)
