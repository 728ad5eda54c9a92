"""What waits for an account: one goes as a probe when that is due; when the account answers, all go, slice by slice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import msgspec

from services.delivery.accounts import Accounts
from shared.model.channels import Channel
from shared.model.holds import ParkedHold
from shared.model.ports import AccountStore, ParkedHolds
from shared.model.provider_accounts import (
    AccountPolicy,
    AccountState,
    ProviderAccount,
    failing_since,
    half_open,
    probe_lost,
)
from shared.process.clock import now_ms
from shared.process.metrics import ACCOUNT_CHANGES, MAX_COUNTED, PARKED, PARKED_RELEASED
from shared.process.retries import retry_until_available

LOOK_SECONDS = 1.0
SLICE_MS = 1000
"""One slice of an account per second, whoever releases it."""
FORGET_MS = 600_000
"""How often an account is looked at that answers, with failures."""
ACCOUNTS = 200
REFRESH = 15
"""Looks until the accounts known to other workers are read again."""
MAX_FORMER = 3000
"""That go on at once because they wait for none of the accounts that there are."""


class Parking:
    """One channel's. Any number of processes may run it: each change of an account is made by one."""

    def __init__(
        self,
        *,
        channel: Channel,
        accounts: Accounts,
        rows: AccountStore,
        holds: ParkedHolds,
        policy: AccountPolicy,
        slice_size: int,
        learn: Callable[[set[str]], None],
    ) -> None:
        self._channel = channel
        self._accounts = accounts
        self._rows = rows
        self._holds = holds
        self._policy = policy
        self._slice = slice_size
        self._learn = learn

    async def run(self, stop: asyncio.Event) -> None:
        """Looks every second until `stop` is set."""
        await retry_until_available(self._hasten)
        looks = 0
        while not stop.is_set():
            if looks % REFRESH == 0:
                await retry_until_available(self._survey)
            looks += 1
            await retry_until_available(self.look)
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await stop.wait()

    async def _hasten(self) -> None:
        """Whoever starts this process may have mended what kept an account of ours away."""
        now = now_ms()
        for account in (await self._rows.read(sorted(self._accounts.ours))).values():
            if account.state is AccountState.OPEN:
                await self._rows.swap(account, msgspec.structs.replace(account, due=now, look=now))

    async def _survey(self) -> None:
        """What other workers have found in trouble, and how much waits for it."""
        known = await self._rows.known(self._channel)
        waiting: set[str] = set()
        if self._accounts.ours:
            waiting = await self._holds.parked_under(self._channel)
            known = await self._forget_former(known, waiting)
        self._learn(known)
        waiting |= {name for account in known for name in self._accounts.waiting(account)}
        PARKED.labels(self._channel).set(await self._holds.count_parked(waiting, most=MAX_COUNTED))

    async def _forget_former(self, known: set[str], parked_under: set[str]) -> set[str]:
        """The accounts of `known` that there still are. What waits for none of those goes on, as many as in so many slices.

        So does what waits for some of those that may carry it: the others were named since.

        Other ids than those of the channel's own accounts (`channel/…`) are recipients' or push services': they stay.
        """
        ours = self._accounts.ours
        most = min(self._slice * REFRESH, MAX_FORMER)
        served = {name for account in ours for name in self._accounts.waiting(account)}
        for name in parked_under & served:
            if others := await self._accounts.strays(name, self._holds.parked_tenants):
                await self._send_back(await self._holds.parked([name], most=most, of=others))
        if former := parked_under - served:
            await self._send_back(await self._holds.parked(sorted(former), most=most))
        gone = {name for name in known - ours if name == self._channel or name.startswith(f"{self._channel}/")}
        for account in (await self._rows.read(sorted(gone))).values():
            await self._rows.remove(account)
        return known - gone

    async def look(self) -> None:
        """Sends the probes and slices that are due. Raises MongoUnavailable: call again."""
        now = now_ms()
        for account in await self._rows.to_look_at(self._channel, now, most=ACCOUNTS):
            if account.state is AccountState.CLOSED:
                await self._release(account, now)
            else:
                await self._probe(account, now)

    async def _probe(self, account: ProviderAccount, now: int) -> None:
        """The most urgent, oldest one that waits, among those that have come back as a probe least often.

        Else one that this account will never take (a trial account, a destination) would keep all that it takes waiting.
        With nobody waiting, whoever comes first is the probe.

        So it is after a probe that never came back, and a slice of what waits may: `decide` ends or holds what it will,
        and if that cost a minute each, a night's quiet hours would keep everybody waiting.
        """
        lost = account.state is AccountState.HALF_OPEN
        waiting = await self._holds.parked(self._accounts.waiting(account.id), most=self._slice)
        if not waiting:
            if await self._is_left_to_newer(account):
                return
            later = now + max(account.pause, self._policy.first_pause)
            await self._rows.swap(account, msgspec.structs.replace(account, look=later))
            return
        probes = waiting if lost else [min(waiting, key=lambda hold: hold.passes)]
        after = (
            probe_lost(account, now, self._policy)
            if lost
            else half_open(account, probes[0].delivery, now, self._policy)
        )
        if await self._rows.swap(account, after):
            ACCOUNT_CHANGES.labels(self._channel, after.state).inc()
            await self._holds.make_due([hold.id for hold in probes])

    async def _is_left_to_newer(self, account: ProviderAccount) -> bool:
        """Whether all that waits was parked by a newer version, which would find nobody's account had it been forgotten."""
        return await self._holds.count_parked(self._accounts.waiting(account.id), most=1) > 0

    async def _release(self, account: ProviderAccount, now: int) -> None:
        waiting = await self._holds.parked(self._accounts.waiting(account.id), most=self._slice)
        if not waiting and await self._is_left_to_newer(account):
            return
        if not waiting and failing_since(account, now) is None:
            await self._rows.remove(account)
            return
        later = msgspec.structs.replace(account, look=now + (SLICE_MS if waiting else FORGET_MS))
        if await self._rows.swap(account, later) and waiting:
            await self._send_back(waiting)

    async def _send_back(self, waiting: list[ParkedHold]) -> None:
        await self._holds.make_due([hold.id for hold in waiting])
        PARKED_RELEASED.labels(self._channel).inc(len(waiting))
