"""A sender for providers that take one POST per message: what each has of its own is what it posts, and what answers mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from services.delivery.channels.unanswered import by_provider
from services.delivery.core.attempts import LeaseTooShort, Outcome
from services.delivery.outbound.http import HttpAnswer, HttpRequest, NoAnswer
from services.delivery.tenants import TenantTexts
from shared.model.deliveries import Delivery
from shared.model.tenants import TenantSettings
from shared.model.workflows import Workflow
from shared.process.clock import now_ms


class HttpProvider(Protocol):
    """One provider's API."""

    async def request(
        self, delivery: Delivery, workflow: Workflow, tenant: TenantSettings | None
    ) -> HttpRequest | Outcome:
        """What is posted, the delivery id in it wherever there is a field for it; an outcome: nothing is to be posted.

        Raises RenderFailed.
        """
        ...

    def judge(self, answer: HttpAnswer, now: int) -> Outcome:
        """What an answer means, whatever stands in it. `now` in milliseconds since the epoch."""
        ...


@runtime_checkable
class MovesRecipients(Protocol):
    """A provider that may answer that the recipient has moved, and took nothing."""

    def elsewhere(self, request: HttpRequest, answer: HttpAnswer) -> HttpRequest | None:
        """What is to be posted instead, once; None: the answer says nothing of the kind."""
        ...


@runtime_checkable
class Authorizes(Protocol):
    """A provider that has to be asked for leave to send, which what is only made as a test is not."""

    async def authorize(self, request: HttpRequest) -> HttpRequest | Outcome:
        """The request with what lets it in; an outcome: nothing is to be posted."""
        ...

    def heard(self, request: HttpRequest, answer: HttpAnswer) -> None:
        """What was answered to a request that it let in."""
        ...


class PostingClient(Protocol):
    """Who carries the requests: HttpClient, or Http2Client."""

    async def post(
        self, request: HttpRequest, send_before: float, *, tenant: str
    ) -> HttpAnswer | NoAnswer | LeaseTooShort:
        """One POST within its time limit. LeaseTooShort: nothing was written by `send_before` (monotonic seconds)."""
        ...

    async def close(self) -> None:
        """Ends the connections; may be called twice."""
        ...


class HttpSender:
    """Posts to one provider."""

    def __init__(
        self,
        provider: HttpProvider,
        client: PostingClient,
        tenants: TenantTexts | None = None,
        unanswered: Callable[[NoAnswer], Outcome] = by_provider,
    ) -> None:
        """`tenants`: what texts see of them, if anything. `unanswered`: what it means that no answer came."""
        self._provider = provider
        self._client = client
        self._tenants = tenants
        self._unanswered = unanswered

    async def send(self, delivery: Delivery, workflow: Workflow, send_before: float) -> Outcome | LeaseTooShort:
        """As Sender says."""
        tenant = await self._tenants.of(delivery.notification.tenant) if self._tenants is not None else None
        request = await self._provider.request(delivery, workflow, tenant)
        if isinstance(request, HttpRequest) and isinstance(self._provider, Authorizes):
            request = await self._provider.authorize(request)
        if not isinstance(request, HttpRequest):
            return request
        found = await self._client.post(request, send_before, tenant=delivery.notification.tenant)
        if isinstance(found, HttpAnswer) and isinstance(self._provider, MovesRecipients):
            other = self._provider.elsewhere(request, found)
            if other is not None:
                found = await self._client.post(other, send_before, tenant=delivery.notification.tenant)
        if isinstance(found, HttpAnswer) and isinstance(self._provider, Authorizes):
            self._provider.heard(request, found)
        if isinstance(found, HttpAnswer):
            return self._provider.judge(found, now_ms())
        return found if isinstance(found, LeaseTooShort) else self._unanswered(found)

    async def prepare(self, delivery: Delivery, workflow: Workflow) -> None:
        """Raises RenderFailed."""
        tenant = await self._tenants.of(delivery.notification.tenant) if self._tenants is not None else None
        await self._provider.request(delivery, workflow, tenant)

    async def close(self) -> None:
        """Ends the connections."""
        await self._client.close()
