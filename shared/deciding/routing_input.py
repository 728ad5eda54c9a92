"""What `route` is asked: one notification, and all that its rules look at."""

from __future__ import annotations

import msgspec

from shared.deciding.history import History
from shared.model.channels import Channel
from shared.model.deliveries import Delivery
from shared.model.notifications import Notification
from shared.model.owners import Owner
from shared.model.profiles import Preferences, Profile
from shared.model.records import Kind
from shared.model.subscriptions import Subscription
from shared.model.tenants import TenantSettings
from shared.model.workflows import Workflow


class RoutingInput(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The inputs of one decision. `channel` and `step` narrow it to one channel of one step."""

    notification: Notification
    workflow: Workflow | None
    profile: Profile | None
    life: int = 0
    """The user's current life."""
    owner: Owner | None = None
    """Who has the addresses of an inline person."""
    cancel_count: int
    """The current counter of its cancellation key; 0 without one."""
    now: int
    """Milliseconds since the epoch."""
    event: Kind = Kind.NOTIFY
    """Why it is decided."""
    spread_ms: int = 0
    """The end of quiet hours is smoothed over this long."""
    channel: Channel | None = None
    step: str | None = None
    tenant: TenantSettings | None = None
    """Its own, within the environment's; None: nothing is set."""
    suppressed: tuple[str, ...] = ()
    """Kinds of the recipient's addresses that nothing is sent to: bounced, complained, unsubscribed."""
    subscription: Subscription | None = None
    """To the notification's topic; None of a digest, each item of which goes by its own."""
    history: History | None = None
    """What its workflow and its tenant ask for; None: they ask for nothing."""
    delivery: Delivery | None = None
    """What came back: a retry, or a delivery that failed for good."""
    parked: bool = False
    """It waited for its provider, and not for its next try: nobody has it."""
    digest: str | None = None
    """The digest that the run holds and closes now, or that one channel of it brings back."""
    cancelled: bool = False
    """An operator cancelled what the record brings back."""
    forced: bool = False
    """An operator wants the redrive although another channel of its step has it."""

    @property
    def is_redriven(self) -> bool:
        """Whether it is a delivery that had failed for good: its step went on without it."""
        return self.delivery is not None and self.delivery.generation > 0

    @property
    def is_digest(self) -> bool:
        """Whether it brings others with it: what ends one of them does not end the others."""
        return self.digest is not None or (self.delivery is not None and self.delivery.digest is not None)

    @property
    def preferences(self) -> Preferences | None:
        """What the recipient allows: a user, or those who have an inline person's addresses."""
        if self.profile is not None:
            return self.profile.preferences
        return None if self.owner is None else self.owner.preferences

    @property
    def mute_until(self) -> int | None:
        """Until when the recipient wants nothing that is not critical; milliseconds since the epoch."""
        if self.profile is not None:
            return self.profile.mute_until
        return None if self.owner is None else self.owner.mute_until
