"""Why something was or was not done: metric label, log field and what `why` tells."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """The reasons of `decide`, in the order of its rules, then those of delivery."""

    UNKNOWN_WORKFLOW = "unknown_workflow"
    WORKFLOW_INACTIVE = "workflow_inactive"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    SCHEDULED = "scheduled"
    """Held until deliver_at."""
    IS_ACTOR = "is_actor"
    """Nobody is notified of what they did themselves."""
    UNKNOWN_USER = "unknown_user"
    CATEGORY_OPTED_OUT = "category_opted_out"
    WORKFLOW_OPTED_OUT = "workflow_opted_out"
    CHANNEL_OPTED_OUT = "channel_opted_out"
    NO_ADDRESS = "no_address"
    QUIET_HOURS = "quiet_hours"
    WAITED_TOO_LONG = "waited_too_long"
    """Decided so long ago that it is decided again."""
    TEMPORARY_FAILURE = "temporary_failure"
    PROVIDER_DOWN = "provider_down"
    OVER_SHARE = "over_share"
    """Others wait behind its slow recipient or host: it gives way."""
    REJECTED = "rejected"
    """The provider says never."""
    ATTEMPTS_EXHAUSTED = "attempts_exhausted"
    RENDER_FAILED = "render_failed"
    FORBIDDEN_ADDRESS = "forbidden_address"
    """A webhook that points into our own network."""
    ENDPOINT_GONE = "endpoint_gone"
    """It said so, or has failed for days: from now on it is disabled."""
    ENDPOINT_DISABLED = "endpoint_disabled"
    """It is not called any more."""
    UNCONFIRMED = "unconfirmed"
