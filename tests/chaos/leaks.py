"""Whether anything arrived at another's address, in another's inbox, on another's socket, or with another's contents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tests.chaos.order import Delivered
from tests.chaos.tables import Accepted, Effect, Frame, user_of


def leaked_effects(
    accepted: Mapping[str, Accepted], sent: Mapping[str, Delivered], effects: Iterable[Effect]
) -> list[str]:
    """Mails, webhook calls and inbox rows that are not their owner's."""
    offenders = []
    for effect in effects:
        delivered = sent.get(effect.delivery)
        if delivered is None:
            continue  # a phantom
        about = accepted[delivered.notification]
        if effect.owner != about.owner:
            offenders.append(f"{effect.channel} {effect.delivery} of {about.owner} at {effect.owner}")
        if about.gathers:
            theirs = {one.mark for one in accepted.values() if one.gathers and one.owner == about.owner}
            if not effect.marks <= theirs:
                offenders.append(f"{effect.channel} {effect.delivery} names {sorted(effect.marks - theirs)}")
        elif effect.marks != _marks(about):
            offenders.append(f"{effect.channel} {effect.delivery} names {sorted(effect.marks)}, not {about.mark}")
    return offenders


def leaked_frames(accepted: Mapping[str, Accepted], frames: Iterable[Frame]) -> list[str]:
    """What clients were sent that is not their user's."""
    offenders = []
    for frame in frames:
        about = accepted.get(frame.notification)
        if about is None:
            offenders.append(f"socket of {frame.owner}: {frame.notification}, which nobody accepted")
        elif user_of(about.owner) != frame.owner:
            offenders.append(f"socket of {frame.owner}: {frame.notification} of {about.owner}")
        elif frame.marks != _marks(about):
            offenders.append(f"socket of {frame.owner}: {frame.notification} names {sorted(frame.marks)}")
    return offenders


def _marks(about: Accepted) -> frozenset[str]:
    return frozenset({about.mark} if about.mark else ())
