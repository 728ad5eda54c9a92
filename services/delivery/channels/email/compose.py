"""The letter of an e-mail delivery, the same for every provider."""

from __future__ import annotations

from email.utils import formatdate

from services.delivery.channels.email.letter import Field, Letter
from services.delivery.channels.email.mailboxes import InvalidAddress, Mailbox, wire_address
from services.delivery.channels.email.tracking import Tracking
from services.delivery.channels.email.unsubscribe import UnsubscribeFields
from services.delivery.rendering.links import SafeLinks
from services.delivery.rendering.liquid import RenderFailed, context, render
from services.delivery.rendering.locales import one_locale
from services.delivery.rendering.mjml import html_of
from services.delivery.rendering.plain import one_line, printable_lines
from shared.model.channels import Channel
from shared.model.deliveries import Delivery
from shared.model.templates import EmailTemplate
from shared.model.tenants import TenantSettings
from shared.model.texts import texts_of
from shared.model.workflows import Workflow


def compose(
    delivery: Delivery,
    workflow: Workflow,
    sender: Mailbox,
    links: SafeLinks,
    *,
    tenant: TenantSettings | None = None,
    unsubscribe: UnsubscribeFields | None = None,
    tracking: Tracking | None = None,
) -> Letter:
    """The letter, in one locale. No control character of data gets into it. Raises RenderFailed."""
    template = texts_of(workflow, delivery.step, delivery.variant, Channel.EMAIL)
    if not isinstance(template, EmailTemplate):
        raise RenderFailed("no_template")
    markup = template.html if template.mjml is None else template.mjml
    texts = [template.subject, template.text, *([] if markup is None else [markup])]
    subject, text, *html = one_locale(texts, delivery.locale)
    if template.mjml is not None:
        html = [html_of(mjml) for mjml in html]
    values = context(delivery, tenant)
    try:
        recipient = wire_address(delivery.address)
    except InvalidAddress as error:
        raise RenderFailed("header:To") from error
    fields = [
        Field("Message-ID", f"<{delivery.id}@{sender.domain}>"),
        Field("Date", formatdate(delivery.decided_at / 1000, usegmt=True)),
        Field("Auto-Submitted", "auto-generated"),
        Field("X-Carillon-Notification", delivery.notification.id),
        *([] if unsubscribe is None else unsubscribe.of(delivery, workflow)),
    ]

    def tracked(safe: str) -> str:
        return safe if tracking is None else tracking.in_html(safe, delivery, template.track)

    letter = Letter(  # controls go before links are looked at: one may hide a scheme
        sender=sender,
        recipient=recipient,
        subject=one_line(render(subject, None, values)),
        text=printable_lines(render(text, None, values)),
        html=tracked(links.in_html(printable_lines(render(html[0], None, values, html=True)), html[0]))
        if html
        else None,
        fields=tuple(Field(name, one_line(value)) for name, value in fields),
    )
    _check(letter)
    return letter


def _check(letter: Letter) -> None:
    """Raises RenderFailed for a lone surrogate, and for a field that is not ASCII."""
    place = "header"
    try:
        for field in letter.fields:
            field.value.encode("ascii")
        letter.subject.encode()
        place = "body"
        letter.text.encode()
        (letter.html or "").encode()
    except UnicodeEncodeError as error:
        raise RenderFailed(f"{place}:UnicodeEncodeError") from error
