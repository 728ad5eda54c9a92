"""What one status counts as: its outcome, the last word of its type."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from shared.model.deliveries import DeliveryState
from shared.model.inbox import Change
from shared.model.notification_states import NotificationState
from shared.model.receipts import ReceiptState

OTHER: Final = "other"
"""What is none of the names that are counted one by one."""
INBOX: Final = "inbox"
AREAS: Final = ("notification", "delivery", INBOX, "message")
"""Of statuses that are counted; events, fan-outs and devices are not."""


class FurtherOutcome(StrEnum):
    """Outcomes that no state is named after."""

    READ_AGAIN = "read_again"
    """Read once more, after it was put back to unread: the first time alone is `read`."""
    OPENED = "opened"
    CLICKED = "clicked"


_COUNTED: Final = tuple(f"carillon.{area}." for area in AREAS)
WORDS: Final = frozenset(
    map(str, [*DeliveryState, *ReceiptState, *NotificationState, *Change, *FurtherOutcome])
)  # fmt: skip


def is_counted(status_type: str) -> bool:
    """Whether statuses of this type are counted at all."""
    return status_type.startswith(_COUNTED)


def outcome_of(status_type: str, pass_: object) -> str:
    """The outcome of a status: one of WORDS, else OTHER."""
    area, _, word = status_type.removeprefix("carillon.").partition(".")
    if area == INBOX and word == Change.READ and pass_:
        return FurtherOutcome.READ_AGAIN.value
    return word if word in WORDS else OTHER
