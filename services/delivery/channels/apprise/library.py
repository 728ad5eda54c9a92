"""The one place that imports apprise, which is an extra: whoever needs it imports this when targets are named."""

from __future__ import annotations

import logging
from typing import Final

from apprise import Apprise, AppriseAsset, NotifyFormat

from services.delivery.channels.apprise.calls import Notify
from services.delivery.channels.apprise.compose import AppriseMessage

ANSWER_LATE_SECONDS: Final = 1.0
"""Its own patience with a silent server is longer than ours: else it would say no to what may have been taken."""


def open_service(url: str, timeout_seconds: float) -> Notify | None:
    """One service, for one thread at a time; it connects when it is called. None: there is none of this URL.

    The call blocks. It is the service's own: `Apprise.notify` would try again by itself (`?retry=`), call a failure a
    success (`?optional=`), and use threads that all services share.
    """
    logging.getLogger("apprise").disabled = True  # hosts, names of rooms, what servers say: nothing for our logs
    asset = AppriseAsset(app_id="Carillon", app_desc="Carillon", http_redirects=False)
    service = Apprise.instantiate(url, asset=asset)
    if service is None:
        return None
    service.socket_read_timeout = timeout_seconds + ANSWER_LATE_SECONDS
    service.request_rate_per_sec = 0  # CARILLON_RATES: who waits asleep in a thread uses up its time

    def notify(message: AppriseMessage) -> bool:
        return service.notify(body=message.text, title=message.title, body_format=NotifyFormat.TEXT)

    return notify
