"""Why something was or was not done: metric label, log field and what `why` tells."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from shared.model.formats import OLDEST


class Reason(StrEnum):
    """The reasons of `decide`, in the order of its rules, then those of delivery."""

    UNKNOWN_WORKFLOW = "unknown_workflow"
    WORKFLOW_INACTIVE = "workflow_inactive"
    STOPPED = "stopped"
    """Held: an operator has stopped the tenant, the workflow or the channel."""
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    """A newer one about the same replaced it."""
    SCHEDULED = "scheduled"
    """Held until deliver_at."""
    IS_ACTOR = "is_actor"
    """Nobody is notified of what they did themselves."""
    KNOWN_USER = "known_user"
    """An inline person whose address a user has is that user, who is notified instead."""
    UNKNOWN_USER = "unknown_user"
    USER_DELETED = "user_deleted"
    """The user it was for is deleted, whoever has the id now."""
    UNSUBSCRIBED = "unsubscribed"
    """From the topic that it was sent to."""
    MUTED = "muted"
    """The user wants nothing until a time they set."""
    CATEGORY_OPTED_OUT = "category_opted_out"
    WORKFLOW_OPTED_OUT = "workflow_opted_out"
    OFF_BY_DEFAULT = "off_by_default"
    """The tenant's or the environment's default, and the user has not chosen."""
    STEP_CONDITION = "step_condition"
    """What the step asks for does not hold."""
    DELAYED = "delayed"
    """Held by a delay."""
    NO_TIME = "no_time"
    """The data has not the time that a delay waits for."""
    TOO_LATE = "too_late"
    """The time that a delay waits for was past already."""
    DIGEST_OPEN = "digest_open"
    """Held: it gathers others."""
    DIGESTED = "digested"
    """It is part of a digest that goes later."""
    THROTTLED = "throttled"
    WAITS_FOR_READ = "waits_for_read"
    ALREADY_READ = "already_read"
    NO_BRANCH = "no_branch"
    """No way of a branch was open."""
    CHANNEL_OPTED_OUT = "channel_opted_out"
    NO_ADDRESS = "no_address"
    ADDRESS_SUPPRESSED = "address_suppressed"
    """It bounced, complained or unsubscribed."""
    QUIET_HOURS = "quiet_hours"
    FREQUENCY_CAP = "frequency_cap"
    NOT_NEEDED = "not_needed"
    """An earlier channel of the step has it."""
    SENT_OTHERWISE = "sent_otherwise"
    """Of a redrive: another channel of the step has it, or may still get it."""
    FELL_BACK = "fell_back"
    """It goes on the step's next channel instead."""
    WAITED_TOO_LONG = "waited_too_long"
    """Decided so long ago that it is decided again."""
    TEMPORARY_FAILURE = "temporary_failure"
    PROVIDER_DOWN = "provider_down"
    RATE_LIMITED = "rate_limited"
    """More are to go than a rate limit lets pass: it has a turn of its own."""
    OVER_SHARE = "over_share"
    """Others wait behind its slow recipient or host: it gives way."""
    REJECTED = "rejected"
    """The provider says never."""
    DEAD_ADDRESS = "dead_address"
    """The provider says that nothing reaches this address any more."""
    ATTEMPTS_EXHAUSTED = "attempts_exhausted"
    RENDER_FAILED = "render_failed"
    FORBIDDEN_ADDRESS = "forbidden_address"
    """An endpoint that points into our own network."""
    ENDPOINT_GONE = "endpoint_gone"
    """It said so, or has failed for days: from now on it is disabled."""
    ENDPOINT_DISABLED = "endpoint_disabled"
    """It is not called any more."""
    RECORD_TOO_LARGE = "record_too_large"
    """Its topic takes no record of this size."""
    UNCONFIRMED = "unconfirmed"

    @property
    def since(self) -> int:
        """The format that it came with."""
        return 2 if self in _SINCE_2 else OLDEST


_SINCE_2: Final = frozenset(
    {
        Reason.STOPPED,
        Reason.SUPERSEDED,
        Reason.UNSUBSCRIBED,
        Reason.MUTED,
        Reason.OFF_BY_DEFAULT,
        Reason.STEP_CONDITION,
        Reason.DELAYED,
        Reason.NO_TIME,
        Reason.TOO_LATE,
        Reason.DIGEST_OPEN,
        Reason.DIGESTED,
        Reason.THROTTLED,
        Reason.WAITS_FOR_READ,
        Reason.ALREADY_READ,
        Reason.NO_BRANCH,
        Reason.ADDRESS_SUPPRESSED,
        Reason.FREQUENCY_CAP,
        Reason.NOT_NEEDED,
        Reason.SENT_OTHERWISE,
        Reason.FELL_BACK,
        Reason.DEAD_ADDRESS,
        Reason.RATE_LIMITED,
    }
)


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
    CONDITION = "condition"
    """What the workflow asks of the data does not hold."""
    INVALID_DATA = "invalid_data"
    """The data misses the workflow's JSON Schema."""
    TENANT_NOT_TRUSTED = "tenant_not_trusted"
    """Written to the public topic for a tenant that the topic does not speak for."""
