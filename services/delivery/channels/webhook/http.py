"""The webhook sender: one POST per attempt, signed, no redirects, bounded."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Final

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from yarl import URL

from services.delivery.channels.webhook.compose import payload, sign
from services.delivery.channels.webhook.guard import Forbidden, Guard, GuardedResolver
from services.delivery.channels.webhook.resolver import TENANT, ResolverBusy
from services.delivery.channels.webhook.responses import judge
from services.delivery.channels.webhook.settings import WebhookSettings
from services.delivery.core.attempts import AttemptFault, Failed, LeaseTooShort, Outcome, ProviderUnavailable, Rejected
from shared.model.deliveries import Delivery
from shared.model.reasons import Reason
from shared.model.webhook_secrets import secret, signing_key
from shared.model.workflows import Workflow
from shared.process.clock import now_ms

MAX_READ: Final = 20_000
DNS_SECONDS: Final = 30


class _Body(aiohttp.BytesPayload):
    """The body of one POST. It looks at the time when there is a connection, right before anything is written to it."""

    def __init__(self, content: bytes, send_before: float) -> None:
        super().__init__(content, content_type="application/json")
        self._send_before = send_before
        self.too_late = False
        """Nothing was written: the connection came after its time."""
        self.written = False
        """From here on the endpoint may have taken it."""

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """aiohttp's hook; the headers are written with the first byte of the body."""
        if time.monotonic() >= self._send_before:
            self.too_late = True
            raise TimeoutError
        self.written = True
        await super().write_with_length(writer, content_length)


class WebhookSender:
    """Posts to the recipient's own endpoint; that it does not answer is its own fault and costs an attempt."""

    def __init__(self, settings: WebhookSettings) -> None:
        self._master = settings.webhook_secret.get_secret_value()
        self._guard = Guard(settings.webhook_allow)
        self._timeout = aiohttp.ClientTimeout(total=settings.webhook_timeout_seconds)
        self._session: aiohttp.ClientSession | None = None

    async def send(self, delivery: Delivery, workflow: Workflow, send_before: float) -> Outcome | LeaseTooShort:
        """One POST: `webhook-id` is the delivery id, `webhook-timestamp` that of this attempt."""
        del workflow  # nothing to render
        if time.monotonic() >= send_before:
            return LeaseTooShort()
        content = payload(delivery)
        body = _Body(content, send_before)
        TENANT.set(delivery.notification.tenant)
        try:
            self._guard.check_host(URL(delivery.address).host or "")
            # Its bytes as they were given: a signature in them would not be the same after quoting anew.
            url = URL(delivery.address, encoded=True)
            async with self._open().post(
                url,
                data=body,
                headers=self._headers(delivery, content),
                allow_redirects=False,
                timeout=self._timeout,
            ) as response:
                with suppress(aiohttp.ClientError, TimeoutError, OSError):
                    # The status is the answer; the body is read so that the connection can be used again.
                    await response.content.read(MAX_READ)
                return judge(response.status, response.headers.get("Retry-After"), now_ms())
        except Forbidden:
            return Rejected(reason=Reason.FORBIDDEN_ADDRESS)
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, Forbidden):
                return Rejected(reason=Reason.FORBIDDEN_ADDRESS)
            if isinstance(error.os_error, ResolverBusy):
                return ProviderUnavailable(code="resolver_busy", fault=AttemptFault.US)
            return Failed(code="unreachable", cool_down=True)
        except (ValueError, aiohttp.NonHttpUrlClientError):  # InvalidURL is a ValueError, too
            return Rejected(code="invalid_url")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if body.too_late:
                return LeaseTooShort()
            return Failed(code=type(error).__name__, cool_down=True, unconfirmed=body.written)

    async def close(self) -> None:
        """Ends the connections."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            # No limit of its own: the lanes' slots are the limit, and one lane's must not be the other's. What is
            # cached (1000 names at most) has been checked.
            connector = aiohttp.TCPConnector(
                resolver=GuardedResolver(self._guard), limit=0, use_dns_cache=True, ttl_dns_cache=DNS_SECONDS
            )
            self._session = aiohttp.ClientSession(connector=connector, auto_decompress=False)
        return self._session

    def _headers(self, delivery: Delivery, body: bytes) -> dict[str, str]:
        timestamp = str(now_ms() // 1000)
        endpoint = secret(self._master, delivery.notification.tenant, delivery.address)
        headers = {
            "content-type": "application/json",
            "user-agent": "carillon",
            "webhook-id": delivery.id,
            "webhook-timestamp": timestamp,
            "webhook-signature": sign(signing_key(endpoint), delivery.id, timestamp, body),
        }
        if delivery.notification.traceparent:
            headers["traceparent"] = delivery.notification.traceparent
        return headers
