"""What of a digest goes where: each item that came by a topic goes by its own subscription, as it is now."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

import msgspec

from shared.deciding.history import DigestContent
from shared.model.channels import Channel
from shared.model.preferences import channel_refusal, notification_refusal
from shared.model.profiles import Preferences
from shared.model.reasons import Reason
from shared.model.workflows import Workflow

MAX_SHOWN_BYTES: Final = 131_072
"""Of the data of a digest's items together: what goes into one delivery. The first is shown however large it is."""
_NOTHING_SAID: Final = Preferences()
_key: Final = msgspec.json.Encoder(order="deterministic")


class ShownBytes:
    """What is shown of a digest, the oldest first. Items that may go elsewhere than others have room of their own."""

    def __init__(self) -> None:
        self._held: defaultdict[bytes, int] = defaultdict(int)

    def take(self, data: bytes | msgspec.Raw, wants: Preferences | None = _NOTHING_SAID) -> bool:
        """Whether it is shown; what comes behind one that is not, is not."""
        key = _key.encode(wants)
        is_first = key not in self._held
        self._held[key] += len(data)
        return is_first or self._held[key] <= MAX_SHOWN_BYTES


def is_bound(wants: Preferences | None) -> bool:
    """Whether a subscription that says this may keep an item from somewhere."""
    return wants != _NOTHING_SAID


def wanted(content: DigestContent, workflow: Workflow) -> DigestContent:
    """Less the items whose subscriptions want nothing of the workflow."""
    return content.without({member for member in content.wants if _refused(content, member, workflow) is not None})


def unwanted(content: DigestContent, workflow: Workflow, holder: str) -> Reason | None:
    """Why nothing of it goes anywhere, as far as its holder's item is concerned; None: something does."""
    if wanted(content, workflow).members:
        return None
    refused = _refused(content, holder, workflow) if holder in content.wants and holder not in content.gone else None
    return refused or Reason.CANCELLED


def kept_from(content: DigestContent, workflow: Workflow, channel: Channel) -> tuple[Reason | None, tuple[str, ...]]:
    """Of what is wanted, the items that do not go by this channel; and why the channel gets nothing, if that is all that is shown."""
    content = wanted(content, workflow)
    kept = {
        member: reason
        for member, wants in content.wants.items()
        if member not in content.gone
        and wants is not None
        and (reason := channel_refusal(wants, workflow, channel)) is not None
    }
    if kept and kept.keys() >= set(content.members):
        return next(iter(kept.values())), ()
    return None, tuple(sorted(kept))


def _refused(content: DigestContent, member: str, workflow: Workflow) -> Reason | None:
    wants = content.wants[member]
    if wants is None:
        return None if workflow.critical else Reason.UNSUBSCRIBED
    return notification_refusal(wants, workflow)
