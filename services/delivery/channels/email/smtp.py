"""E-mail over SMTP (RFC 5321): a few connections kept open, for each lane its own."""

from __future__ import annotations

from services.delivery.channels.email.compose import compose
from services.delivery.channels.email.connections import Connections
from services.delivery.channels.email.mime import Mail, mail_of
from services.delivery.channels.email.settings import EmailSettings
from services.delivery.channels.email.transaction import transact
from services.delivery.core.attempts import AttemptFault, Failed, LeaseTooShort, Outcome, Sent
from services.delivery.rendering.links import SafeLinks
from services.delivery.tenants import TenantTexts
from shared.model.channels import Lane
from shared.model.deliveries import Delivery
from shared.model.workflows import Workflow


class EmailSender:
    """Sends through one SMTP server. That it cannot be reached, or refuses our account, is no message's fault."""

    def __init__(
        self, settings: EmailSettings, links: SafeLinks | None = None, tenants: TenantTexts | None = None
    ) -> None:
        """`tenants`: whose texts say what they are dressed in; without them nothing is set."""
        self._tenants = tenants
        self._from = settings.sender
        self._timeout = settings.smtp_timeout_seconds
        self._links = links or SafeLinks()
        self._unsubscribe = settings.unsubscribe
        self._tracking = settings.tracking
        self._connections = {lane: Connections(settings) for lane in Lane}

    async def send(self, delivery: Delivery, workflow: Workflow, send_before: float) -> Outcome | LeaseTooShort:
        """One message to one address; its Message-ID is the delivery id. Raises RenderFailed.

        What only the connection is to blame for is tried on a new one at once, if nothing can have been taken.
        """
        mail = await self._mail(delivery, workflow)
        connections = self._connections[delivery.lane]
        outcome = await self._once(connections, mail, send_before, fresh=False)
        if isinstance(outcome, Failed) and outcome.fault is AttemptFault.CONNECTION and not outcome.unconfirmed:
            return await self._once(connections, mail, send_before, fresh=True)
        return outcome

    async def prepare(self, delivery: Delivery, workflow: Workflow) -> None:
        """Raises RenderFailed."""
        await self._mail(delivery, workflow)

    async def _mail(self, delivery: Delivery, workflow: Workflow) -> Mail:
        tenant = await self._tenants.of(delivery.notification.tenant) if self._tenants else None
        letter = compose(
            delivery,
            workflow,
            self._from,
            self._links,
            tenant=tenant,
            unsubscribe=self._unsubscribe,
            tracking=self._tracking,
        )
        return mail_of(letter)

    async def _once(
        self, connections: Connections, mail: Mail, send_before: float, *, fresh: bool
    ) -> Outcome | LeaseTooShort:
        taken = await connections.take(send_before, fresh=fresh)
        if not isinstance(taken, tuple):
            return taken
        connection, new = taken
        outcome: Outcome | None = None
        try:
            outcome = await transact(connection, mail, new=new, timeout_seconds=self._timeout)
        finally:
            connections.give_back(connection, usable=isinstance(outcome, Sent))
        return outcome

    async def close(self) -> None:
        """Ends the idle connections; may be called twice."""
        for connections in self._connections.values():
            connections.close()
