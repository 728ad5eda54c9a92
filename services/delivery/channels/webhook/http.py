"""The webhook sender: one POST per attempt, signed, no redirects, bounded."""

from __future__ import annotations

from functools import lru_cache

from services.delivery.channels.own_endpoint import MAX_KEPT
from services.delivery.channels.unanswered import by_endpoint
from services.delivery.channels.webhook.compose import payload, sign
from services.delivery.channels.webhook.responses import judge
from services.delivery.channels.webhook.settings import WebhookSettings
from services.delivery.core.attempts import LeaseTooShort, Outcome, Rejected
from services.delivery.outbound.guard import Guard
from services.delivery.outbound.http import HttpAnswer, HttpClient, HttpRequest
from shared.model.deliveries import Delivery
from shared.model.webhook_secrets import masters, secret, signing_key
from shared.model.workflows import Workflow
from shared.process.clock import now_ms


class WebhookSender:
    """Posts to the recipient's own endpoint."""

    def __init__(self, settings: WebhookSettings) -> None:
        known = masters(settings.webhook_secret.get_secret_value())

        @lru_cache(maxsize=MAX_KEPT)
        def keys_of(tenant: str, url: str) -> tuple[bytes, ...]:
            return tuple(signing_key(secret(each, tenant, url)) for each in known)

        self._keys_of = keys_of
        self._client = HttpClient(timeout_seconds=settings.webhook_timeout_seconds, guard=Guard(settings.webhook_allow))

    async def send(self, delivery: Delivery, workflow: Workflow, send_before: float) -> Outcome | LeaseTooShort:
        """One POST: `webhook-id` is the delivery id, `webhook-timestamp` that of this attempt."""
        del workflow  # nothing to render
        content = payload(delivery)
        try:
            headers = self._headers(delivery, content)
        except UnicodeEncodeError:  # a lone surrogate in the address
            return Rejected(code="invalid_url")
        request = HttpRequest(url=delivery.address, headers=headers, body=content)
        found = await self._client.post(request, send_before, tenant=delivery.notification.tenant)
        if isinstance(found, HttpAnswer):
            return judge(found.status, found.headers.get("Retry-After"), now_ms())
        return found if isinstance(found, LeaseTooShort) else by_endpoint(found)

    async def prepare(self, delivery: Delivery, workflow: Workflow) -> None:
        """There is nothing to render."""

    async def close(self) -> None:
        """Ends the connections."""
        await self._client.close()

    def _headers(self, delivery: Delivery, body: bytes) -> dict[str, str]:
        timestamp = str(now_ms() // 1000)
        keys = self._keys_of(delivery.notification.tenant, delivery.address)
        headers = {
            "content-type": "application/json",
            "user-agent": "carillon",
            "webhook-id": delivery.id,
            "webhook-timestamp": timestamp,
            "webhook-signature": " ".join(sign(key, delivery.id, timestamp, body) for key in keys),
        }
        if delivery.notification.traceparent:
            headers["traceparent"] = delivery.notification.traceparent
        return headers
