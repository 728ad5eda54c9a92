"""Provider accounts and endpoints in trouble: who may send to them, and what an answer, or none, changes.

A healthy one has no row. One that does not answer is *open*: what is for it is parked, until a probe is due. Then one
delivery may try (*half-open*); its answer closes the account, and what was parked is released in slices. No answer
opens it again, for twice as long. An endpoint that is gone is *disabled*, until its address is given anew.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from shared.model.channels import Channel

SHORTEST_PAUSE: Final = 1_000
"""Milliseconds: who asks for less is asked again by the next probe all the same."""
QUIET: Final = 129_600_000
"""Milliseconds (36 hours) after which a failure is another trouble: more than lies between two attempts of one delivery,
which may be a day and its jitter."""
NOTED: Final = 3_600_000
"""Milliseconds: for so long after a failure that is noted, others of a closed one change no row."""


class AccountState(StrEnum):
    """States of an account's row."""

    CLOSED = "closed"
    """It answers; what was parked is released, or it is remembered since when it has failed."""
    OPEN = "open"
    HALF_OPEN = "half_open"
    DISABLED = "disabled"


class Passage(StrEnum):
    """Whether a delivery may be sent to its account now."""

    FREE = "free"
    PROBE = "probe"
    """It may, and it alone: its answer says whether the account is back."""
    PARKED = "parked"
    GONE = "gone"
    """It is the one that found its endpoint gone."""
    DISABLED = "disabled"


class AccountPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How an account is left alone. Milliseconds."""

    first_pause: int = 15_000
    longest_pause: int = 600_000
    patience: int = 60_000
    """How long a probe is waited for; then another one may try."""
    disable_after: int | None = None
    """An account that has failed for so long, without one success, is disabled; None: never."""


class ProviderAccount(msgspec.Struct, frozen=True, kw_only=True):
    """One row. Times are milliseconds since the epoch."""

    id: str
    channel: Channel
    state: AccountState
    due: int
    """Open: from then on one may probe it. Half-open: until then the probe is waited for."""
    look: int
    """When somebody looks at it next: to send a probe, or a slice of what was parked."""
    pause: int = 0
    probe: str | None = None
    """The delivery that probes it, or that found it gone."""
    failing_since: int | None = None
    failed_at: int | None = None
    """When it failed last, as far as that is noted; rows of older versions do not say it."""
    version: int = 0
    """Raised by each change: whoever changes it, changes what he has read."""


def admit(
    account: ProviderAccount | None, delivery: str, now: int, policy: AccountPolicy
) -> tuple[Passage, ProviderAccount | None]:
    """Whether `delivery` may be sent, and the row as that changes it; None: it stays."""
    if account is None or account.state is AccountState.CLOSED:
        return Passage.FREE, None
    if account.state is AccountState.DISABLED:
        return (Passage.GONE if account.probe == delivery else Passage.DISABLED), None
    if account.state is AccountState.HALF_OPEN and account.probe == delivery:
        return Passage.PROBE, None
    if now < account.due:
        return Passage.PARKED, None
    return Passage.PROBE, half_open(account, delivery, now, policy)


def half_open(account: ProviderAccount, delivery: str, now: int, policy: AccountPolicy) -> ProviderAccount:
    """`delivery` is the probe from now on."""
    due = now + policy.patience
    return msgspec.structs.replace(account, state=AccountState.HALF_OPEN, probe=delivery, due=due, look=due)


def probe_lost(account: ProviderAccount, now: int, policy: AccountPolicy) -> ProviderAccount:
    """Nothing was heard of the probe in time: whoever comes first from now on is the next."""
    return msgspec.structs.replace(account, state=AccountState.OPEN, probe=None, due=now, look=now + policy.patience)


def after_silence(
    account: ProviderAccount, delivery: str, now: int, policy: AccountPolicy, *, asked: int | None = None
) -> ProviderAccount | None:
    """The row after `delivery` got no answer. Of many at once the first opens it; only a probe prolongs the pause.

    `asked`: it did answer, that it wants to be left alone for so long (milliseconds).
    """
    if account.state is AccountState.CLOSED:
        pause = policy.first_pause
    elif account.state is AccountState.HALF_OPEN and account.probe == delivery:
        pause = min(2 * account.pause, policy.longest_pause)
    else:
        return None
    if asked is not None:
        pause = min(max(asked, SHORTEST_PAUSE), policy.longest_pause)
    return msgspec.structs.replace(
        account,
        state=AccountState.OPEN,
        probe=None,
        pause=pause,
        due=now + pause,
        look=now + pause,
        failing_since=_since(account, now),
        failed_at=now,
    )


def after_answer(account: ProviderAccount, delivery: str, now: int, *, success: bool) -> ProviderAccount | None:
    """The row after `delivery` was answered, with a success or not. Only the probe's answer closes it."""
    since, failed_at = (None, None) if success else (_since(account, now), now)
    noted = msgspec.structs.replace(account, failing_since=since, failed_at=failed_at)
    if account.state is AccountState.HALF_OPEN and account.probe == delivery:
        return msgspec.structs.replace(noted, state=AccountState.CLOSED, probe=None, pause=0, look=now)
    if account.state is not AccountState.CLOSED:
        return None
    if account.failing_since != since:
        return msgspec.structs.replace(noted, look=now)
    stale = failed_at is not None and (account.failed_at is None or failed_at - account.failed_at >= NOTED)
    return noted if stale else None


def untried(account: ProviderAccount, delivery: str, now: int) -> ProviderAccount | None:
    """The row after `delivery` was not sent, for reasons of its own; None unless it was the probe. Another may be."""
    if account.state is not AccountState.HALF_OPEN or account.probe != delivery:
        return None
    return msgspec.structs.replace(account, state=AccountState.OPEN, probe=None, due=now, look=now)


def disabled(account: ProviderAccount, delivery: str) -> ProviderAccount | None:
    """The row after `delivery` found the endpoint gone; None when another did before."""
    if account.state is AccountState.DISABLED:
        return None
    return msgspec.structs.replace(account, state=AccountState.DISABLED, probe=delivery, look=0)


def failing_since(account: ProviderAccount, now: int) -> int | None:
    """Since when it fails, as far as that is one trouble; None: it does not, or has not for so long that it says nothing."""
    last = account.failing_since if account.failed_at is None else account.failed_at
    return None if last is None or now - last > QUIET else account.failing_since


def has_failed_too_long(account: ProviderAccount, now: int, policy: AccountPolicy) -> bool:
    """Whether it has failed for as long as the policy bears, and neither a success nor a long quiet lay between."""
    limit, since = policy.disable_after, failing_since(account, now)
    return limit is not None and since is not None and now - since >= limit


def _since(account: ProviderAccount, now: int) -> int:
    """The same, when it fails now."""
    since = failing_since(account, now)
    return now if since is None else since


def unknown(account: str, channel: Channel, now: int) -> ProviderAccount:
    """The row of an account that has none: healthy."""
    return ProviderAccount(id=account, channel=channel, state=AccountState.CLOSED, due=now, look=now)
