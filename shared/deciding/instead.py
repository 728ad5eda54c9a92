"""An inline person who is a user by now: that user is notified instead."""

from __future__ import annotations

import msgspec

from shared.deciding.items import Suppress
from shared.model import ids
from shared.model.notifications import Notification


def instead(notification: Notification, item: Suppress) -> Notification:
    """The one of the user whom `item` names: the same as if the user had been named, with what nobody else has."""
    user, contact = item.user or notification.user, notification.contact
    left = {kind: contact.addresses[kind] for kind in item.keeps} if contact else {}
    return msgspec.structs.replace(
        notification,
        id=ids.notification_id(notification.event_id, notification.workflow, user),
        user=user,
        life=item.life,
        contact=msgspec.structs.replace(contact, addresses=left) if contact and left else None,
    )
