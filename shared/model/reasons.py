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
    USER_DELETED = "user_deleted"
    """The user it was for is deleted, whoever has the id now."""
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
    RECORD_TOO_LARGE = "record_too_large"
    """Its topic takes no record of this size."""
    UNCONFIRMED = "unconfirmed"


class EventReason(StrEnum):
    """Why an event, or one workflow of it, became no notification. A recipient's reasons are those of its check."""

    NO_WORKFLOW = "no_workflow"
    """No workflow starts on its type."""
    NOBODY_NAMED = "nobody_named"
    """The list of recipients is there, and empty."""
    NO_RECIPIENTS = "no_recipients"
    """Nothing stands where the workflow looks for recipients."""
    TOO_MANY_RECIPIENTS = "too_many_recipients"
    EXPANDED_TOO_LARGE = "expanded_too_large"
    """Data times recipients."""
    UNKNOWN_VERSION = "unknown_version"
    """The workflow's version that the event was read under is gone."""
    TENANT_NOT_TRUSTED = "tenant_not_trusted"
    """Written to the public topic for a tenant that the topic does not speak for."""
