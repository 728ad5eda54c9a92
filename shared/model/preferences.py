"""Whether a user wants a notification on a channel. Schema: Knock's preference set.

Where the user has not chosen, the tenant's default counts, then the environment's. Every entry that applies must allow.
"""

from __future__ import annotations

from collections.abc import Mapping

from shared.model.channels import Channel
from shared.model.profiles import Preferences
from shared.model.reasons import Reason
from shared.model.workflows import Workflow

NOTHING_SET = Preferences()


def notification_refusal(
    preferences: Preferences, workflow: Workflow, defaults: Preferences = NOTHING_SET
) -> Reason | None:
    """Why the user wants nothing of this workflow; None: allowed. Critical cannot be refused."""
    if workflow.critical or (preferences is NOTHING_SET and defaults is NOTHING_SET):
        return None
    return _refusal(
        preferences.categories, defaults.categories, workflow.category, Reason.CATEGORY_OPTED_OUT
    ) or _refusal(preferences.workflows, defaults.workflows, workflow.key, Reason.WORKFLOW_OPTED_OUT)


def channel_refusal(
    preferences: Preferences, workflow: Workflow, channel: Channel, defaults: Preferences = NOTHING_SET
) -> Reason | None:
    """Why the user wants it not on this channel; None: allowed. Critical cannot be refused."""
    if workflow.critical or (preferences is NOTHING_SET and defaults is NOTHING_SET):
        return None
    return _refusal(preferences.channel_types, defaults.channel_types, channel, Reason.CHANNEL_OPTED_OUT)


def _refusal(chosen: Mapping[str, bool], default: Mapping[str, bool], name: str, reason: Reason) -> Reason | None:
    if not chosen and not default:
        return None
    allowed = chosen.get(name)
    if allowed is None:
        return Reason.OFF_BY_DEFAULT if default.get(name) is False else None
    return None if allowed else reason
