"""The message of an e-mail delivery."""

from __future__ import annotations

from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, parseaddr

from services.delivery.rendering.liquid import RenderFailed, context, render
from shared.model.deliveries import Delivery
from shared.model.workflows import Workflow


def compose(delivery: Delivery, workflow: Workflow, sender: str) -> EmailMessage:
    """The message. Headers only through EmailMessage, which refuses line breaks. Raises RenderFailed."""
    template = workflow.templates.email
    if template is None:
        raise RenderFailed("no_template")
    values, locale = context(delivery), delivery.locale
    name, address = parseaddr(sender)
    message = EmailMessage()
    try:
        message["From"] = Address(name, addr_spec=address)
        message["To"] = Address(addr_spec=delivery.address)
        message["Subject"] = " ".join(render(template.subject, locale, values).split())
        message["Message-ID"] = f"<{delivery.id}@{address.partition('@')[2] or 'carillon'}>"
        message["Date"] = formatdate(delivery.decided_at / 1000, usegmt=True)
        message["Auto-Submitted"] = "auto-generated"
        message["X-Carillon-Notification"] = delivery.notification.id
    except (ValueError, LookupError, AttributeError, MessageError) as error:  # what the parser of addresses raises
        raise RenderFailed(f"header:{type(error).__name__}") from error
    text = render(template.text, locale, values)
    html = render(template.html, locale, values, html=True) if template.html is not None else None
    try:
        message.set_content(text)
        if html is not None:
            message.add_alternative(html, subtype="html")
    except UnicodeEncodeError as error:  # a lone surrogate
        raise RenderFailed("body:UnicodeEncodeError") from error
    return message
