"""Whether a user wants a notification on a channel. Schema: Knock's preference set."""

from __future__ import annotations

from shared.model.channels import Channel
from shared.model.profiles import Preferences
from shared.model.reasons import Reason
from shared.model.workflows import Workflow


def notification_refusal(preferences: Preferences, workflow: Workflow) -> Reason | None:
    """Why the user wants nothing of this workflow; None: allowed. Critical cannot be refused."""
    if workflow.critical:
        return None
    if preferences.categories.get(workflow.category) is False:
        return Reason.CATEGORY_OPTED_OUT
    if preferences.workflows.get(workflow.key) is False:
        return Reason.WORKFLOW_OPTED_OUT
    return None


def channel_refusal(preferences: Preferences, workflow: Workflow, channel: Channel) -> Reason | None:
    """Why the user wants it not on this channel; None: allowed. Critical cannot be refused."""
    if not workflow.critical and preferences.channel_types.get(channel) is False:
        return Reason.CHANNEL_OPTED_OUT
    return None
