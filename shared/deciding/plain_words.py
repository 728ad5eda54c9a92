"""Reasons in plain words, and what to do about each: what `why`, the dry run and the reference say."""

from __future__ import annotations

from typing import Final, NamedTuple

from shared.model.reasons import EventReason, Reason


class Plain(NamedTuple):
    """What a reason means, and the next step; None where all is as it should be."""

    meaning: str
    next_step: str | None = None


PLAIN: Final[dict[str, Plain]] = {
    Reason.UNKNOWN_WORKFLOW: Plain("no such workflow version is published", "carillon catalog list"),
    Reason.WORKFLOW_INACTIVE: Plain(
        "the workflow is switched off", "set active: true in its file, then carillon catalog push FOLDER"
    ),
    Reason.STOPPED: Plain(
        "an operator has stopped this tenant, workflow or channel",
        "carillon stop --list shows the stop; carillon resume lifts it, with --cancel what it holds ends",
    ),
    Reason.EXPIRED: Plain("its time was over before it could be sent", "a longer expires_at, or look at what was slow"),
    Reason.CANCELLED: Plain("its cancellation key, or an operator, ended it"),
    Reason.SUPERSEDED: Plain("a newer one about the same took its place"),
    Reason.SCHEDULED: Plain("it waits for its deliver_at"),
    Reason.IS_ACTOR: Plain("the user did it: nobody is notified of their own deeds"),
    Reason.KNOWN_USER: Plain("the address belongs to a user, who is notified instead, by their own preferences"),
    Reason.USER_DELETED: Plain("the user it was for is deleted; whoever has the id now inherits nothing"),
    Reason.UNKNOWN_USER: Plain("there is no profile of this user", "PUT /v1/users/{user}, then send it again"),
    Reason.UNSUBSCRIBED: Plain("the user does not get this of the topic that it was sent to"),
    Reason.MUTED: Plain("the user has muted everything that is not critical"),
    Reason.CATEGORY_OPTED_OUT: Plain("the user opted out of this category"),
    Reason.WORKFLOW_OPTED_OUT: Plain("the user opted out of this workflow"),
    Reason.OFF_BY_DEFAULT: Plain("it is off unless the user chooses it: the tenant's or the environment's default"),
    Reason.STEP_CONDITION: Plain("the step's condition does not hold"),
    Reason.DELAYED: Plain("it waits as its workflow says"),
    Reason.NO_TIME: Plain(
        "the time that its step waits for is not in the data", "send it as RFC 3339, or give the step `seconds`"
    ),
    Reason.TOO_LATE: Plain(
        "the time that it was to wait for was past already", "late: send_now in the step sends it all the same"
    ),
    Reason.DIGEST_OPEN: Plain("it gathers others, and goes with them"),
    Reason.DIGESTED: Plain("it is part of a digest"),
    Reason.THROTTLED: Plain("enough of them passed this step in its time"),
    Reason.WAITS_FOR_READ: Plain("it waits to be read"),
    Reason.ALREADY_READ: Plain("the user has read it: nothing more is needed"),
    Reason.NO_BRANCH: Plain("none of the step's conditions holds, and it has no otherwise"),
    Reason.CHANNEL_OPTED_OUT: Plain("the user opted out of this channel"),
    Reason.NO_ADDRESS: Plain(
        "the profile has no address for this channel", "PATCH /v1/users/{user} with the address, then send it again"
    ),
    Reason.ADDRESS_SUPPRESSED: Plain(
        "nothing is sent to this address: it bounced, complained or unsubscribed",
        "PATCH /v1/users/{user} with an address that takes mail, or DELETE /v1/suppressions?kind=…&address=… takes this one off "
        "the suppression list",
    ),
    Reason.QUIET_HOURS: Plain("it waits for the end of the user's quiet hours"),
    Reason.FREQUENCY_CAP: Plain("the user has had as many as the tenant allows in this time"),
    Reason.NOT_NEEDED: Plain("an earlier channel of the step has it"),
    Reason.SENT_OTHERWISE: Plain(
        "another channel of the step has it, or may still get it",
        "carillon dlq redrive LETTER --force sends it all the same",
    ),
    Reason.FELL_BACK: Plain("it failed here, or its provider was down too long: it goes on the step's next channel"),
    Reason.WAITED_TOO_LONG: Plain("it waited in its lane and is decided again"),
    Reason.TEMPORARY_FAILURE: Plain("the attempt failed, the next one is scheduled"),
    Reason.PROVIDER_DOWN: Plain(
        "no provider of the channel takes anything of ours; no attempt was used up",
        "the code says why: not_configured: set the channel's provider and start delivery again; parked: see the log line "
        "account_paused of its account; else it is the provider's answer: look at its host, or at our account there",
    ),
    Reason.RATE_LIMITED: Plain("a rate limit lets no more pass until then", "CARILLON_RATES sets the limits"),
    Reason.OVER_SHARE: Plain(
        "too many wait for its slow recipient or host; it waits elsewhere, no attempt was used up",
        "look at why that endpoint is slow",
    ),
    Reason.REJECTED: Plain(
        "the provider says never", "the code is the provider's answer: correct the address; it will not be tried again"
    ),
    Reason.DEAD_ADDRESS: Plain(
        "the provider says that nothing reaches this address any more", "PATCH /v1/users/{user} with one that is in use"
    ),
    Reason.ATTEMPTS_EXHAUSTED: Plain(
        "every attempt failed", "look at the code; once it is mended: carillon dlq list, carillon dlq redrive LETTER"
    ),
    Reason.RENDER_FAILED: Plain(
        "its template could not be rendered with this data",
        "the code says what failed: send that field, or give it a default in the template; "
        "then carillon catalog push FOLDER",
    ),
    Reason.RECORD_TOO_LARGE: Plain(
        "a record about it was larger than its topic takes", "send less data, or raise max.message.bytes of the topic"
    ),
    Reason.FORBIDDEN_ADDRESS: Plain(
        "the address points into our own network",
        "give the user a public URL, or set CARILLON_WEBHOOK_ALLOW or CARILLON_CHAT_ALLOW",
    ),
    Reason.ENDPOINT_GONE: Plain(
        "the endpoint says that it is gone, or has failed for days: it is disabled",
        "PATCH /v1/users/{user} with an address that answers",
    ),
    Reason.ENDPOINT_DISABLED: Plain(
        "the endpoint was disabled before, and is not called", "PATCH /v1/users/{user} with an address that answers"
    ),
    Reason.UNCONFIRMED: Plain("a worker died while sending: sent or not, nobody knows", "ask the provider"),
}


CORRECT_AND_REDRIVE: Final = "carillon events redrive EVENT once it is right"
EVENTS: Final[dict[str, Plain]] = {
    EventReason.NO_WORKFLOW: Plain("no workflow starts on its type", "`on` in a workflow's file, then publish it"),
    EventReason.NOBODY_NAMED: Plain("its list of recipients is empty"),
    EventReason.NO_RECIPIENTS: Plain(
        "nothing stands where the workflow looks for its recipients",
        f"correct `recipients` in the workflow's file, or the event; {CORRECT_AND_REDRIVE}",
    ),
    EventReason.TOO_MANY_RECIPIENTS: Plain(
        "it names more recipients than 10,000", "subscribe them to a topic and send to that, or send it in parts"
    ),
    EventReason.EXPANDED_TOO_LARGE: Plain(
        "its data times its recipients are too much at once", "put a link into data instead of the contents"
    ),
    EventReason.UNKNOWN_VERSION: Plain("the workflow's version is gone", CORRECT_AND_REDRIVE),
    EventReason.CONDITION: Plain("the workflow's condition does not hold of its data"),
    EventReason.INVALID_DATA: Plain(
        "its data misses the workflow's JSON Schema", f"correct the event, or `schema`; {CORRECT_AND_REDRIVE}"
    ),
    EventReason.TENANT_NOT_TRUSTED: Plain(
        "it names another tenant than its topic speaks for",
        f"leave ce_tenant out, or see CARILLON_TRUST_KAFKA_TENANT; {CORRECT_AND_REDRIVE}",
    ),
}
"""Why an event, or a workflow of it, became no notification."""


def meaning(reason: str) -> str:
    """The reason for people; an unknown one as it is."""
    plain = PLAIN.get(reason) or EVENTS.get(reason)
    return plain.meaning if plain else reason.replace("_", " ")


def next_step(reason: str) -> str | None:
    """What to do about it; None where nothing is."""
    plain = PLAIN.get(reason) or EVENTS.get(reason)
    return plain.next_step if plain else None
