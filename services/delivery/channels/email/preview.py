"""An e-mail, for eyes: who sends it is the operator's affair."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from services.delivery.channels.email.compose import compose
from services.delivery.channels.email.mailboxes import Mailbox
from services.delivery.channels.previewing import LINKS
from shared.model.deliveries import Delivery
from shared.model.tenants import TenantSettings
from shared.model.workflows import Workflow

_SENDER: Final = Mailbox(name="", address="sender@example.com")


def preview(delivery: Delivery, workflow: Workflow, tenant: TenantSettings | None) -> Mapping[str, Any]:
    """`subject`, `text`, and `html` where there is some. Raises RenderFailed."""
    letter = compose(delivery, workflow, _SENDER, LINKS, tenant=tenant)
    html = {} if letter.html is None else {"html": letter.html}
    return {"subject": letter.subject, "text": letter.text, **html}
