"""Calls that block, in threads: few for each target, so that one which does not answer keeps no other waiting."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from math import inf
from typing import Final

from services.delivery.channels.apprise.compose import AppriseMessage
from services.delivery.core.attempts import AttemptFault, Failed, LeaseTooShort, Outcome, ProviderUnavailable, Sent

CALLS: Final = 4
"""At once, to one target."""
Notify = Callable[[AppriseMessage], bool]
"""Blocks; whether the service took it. Raises whatever it likes."""
OUTCOMES: Final[dict[bool, Outcome]] = {
    True: Sent(),
    False: Failed(code="not_taken", fault=AttemptFault.PROVIDER),  # for whatever reason, none is told
}
NO_ANSWER: Final = Failed(code="no_answer", cool_down=True, fault=AttemptFault.PROVIDER, unconfirmed=True)
"""In time; the call goes on, and may yet be taken."""
STUCK: Final = ProviderUnavailable(code="no_answer", fault=AttemptFault.PROVIDER)
"""All calls have been without an answer for longer than they may: nobody was asked."""


class TargetCalls:
    """The calls to one target, each in a thread that nobody else uses: a service need not be safe for two."""

    def __init__(self, open_service: Callable[[], Notify], *, timeout_seconds: float) -> None:
        self._open = open_service
        self._timeout = timeout_seconds
        self._idle: list[Notify] = []
        self._free = asyncio.Semaphore(CALLS)
        self._late = 0
        """Calls that go on though nobody waits for their answer any more."""

    async def notify(self, message: AppriseMessage, send_before: float) -> Outcome | LeaseTooShort:
        """One message, within the time limit. LeaseTooShort: no thread was free by `send_before` (monotonic seconds)."""
        if self._late >= CALLS:
            return STUCK
        left = send_before - time.monotonic()
        try:
            async with asyncio.timeout(None if left == inf else left):
                await self._free.acquire()
        except TimeoutError:
            return LeaseTooShort()
        if time.monotonic() >= send_before:
            self._free.release()
            return LeaseTooShort()
        answer = self._call(message)
        done, _ = await asyncio.wait({answer}, timeout=self._timeout)
        if done:
            return answer.result()
        self._late += 1
        answer.add_done_callback(self._ended_late)
        return NO_ANSWER

    def _call(self, message: AppriseMessage) -> asyncio.Future[Outcome]:
        """What comes of it. A daemon thread, not a pool's: those are waited for when the process ends."""
        loop, idle = asyncio.get_running_loop(), self._idle.pop() if self._idle else None
        answer: asyncio.Future[Outcome] = loop.create_future()

        def ended(outcome: Outcome, service: Notify | None) -> None:
            if service is not None:
                self._idle.append(service)
            self._free.release()
            answer.set_result(outcome)

        def work() -> None:
            outcome, service = call(idle, self._open, message)
            with suppress(RuntimeError):  # the loop is closed: the worker has ended
                loop.call_soon_threadsafe(ended, outcome, service)

        threading.Thread(target=work, name="apprise", daemon=True).start()
        return answer

    def _ended_late(self, _: asyncio.Future[Outcome]) -> None:
        self._late -= 1


def call(
    idle: Notify | None, open_service: Callable[[], Notify], message: AppriseMessage
) -> tuple[Outcome, Notify | None]:
    """What the service says, and the service for the next one; where it breaks, the name of what it raised. Blocks."""
    try:
        service = idle or open_service()
        return OUTCOMES[bool(service(message))], service
    except BaseException as error:  # noqa: BLE001  # of a hundred libraries; the thread must end with an answer
        return Failed(code=type(error).__name__, fault=AttemptFault.PROVIDER), None
