"""Apprise: calls that block keep nobody waiting, and whatever comes of one is an outcome."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from math import inf

import pytest

from services.delivery.channels.apprise.calls import CALLS, NO_ANSWER, STUCK, TargetCalls
from services.delivery.channels.apprise.compose import AppriseMessage
from services.delivery.channels.apprise.sender import UNKNOWN_TARGET, AppriseSender
from services.delivery.core.attempts import AttemptFault, Failed, LeaseTooShort, ProviderUnavailable, Sent
from shared.model.channel_templates import Templates
from shared.model.channels import Channel
from shared.model.deliveries import Delivery
from shared.model.templates import AppriseTemplate
from tests.support import samples as a
from tests.support.wait import turns_until

MESSAGE = AppriseMessage(text="Order A7")
SECRET = "T0KEN"
TEXTS = a.workflow(templates=Templates(apprise=AppriseTemplate(text="Order {{ data.order }}")))


def to(name: str) -> Delivery:
    return a.delivery(channel=Channel.APPRISE, address=name)


class Service:
    """Answers when it is let; two at a time it would not bear."""

    def __init__(self) -> None:
        self.answer: Callable[[], bool] = lambda: True
        self.opened: list[int] = []
        self.heard: list[AppriseMessage] = []
        self.go_on = threading.Event()
        self.go_on.set()

    def open(self) -> Callable[[AppriseMessage], bool]:
        self.opened.append(len(self.opened))
        busy = threading.Lock()

        def notify(message: AppriseMessage) -> bool:
            assert busy.acquire(blocking=False), "two at a time"
            try:
                self.heard.append(message)
                self.go_on.wait(20)
                return self.answer()
            finally:
                busy.release()

        return notify


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    yield made
    made.go_on.set()


async def test_yes_is_sent_no_is_a_failure_and_so_is_whatever_it_raises(service: Service) -> None:
    calls = TargetCalls(service.open, timeout_seconds=20)
    assert await calls.notify(MESSAGE, inf) == Sent()
    service.answer = lambda: False
    assert await calls.notify(MESSAGE, inf) == Failed(code="not_taken", fault=AttemptFault.PROVIDER)
    for error in (ValueError(SECRET), StopIteration(), SystemExit(1)):

        def fail(error: BaseException = error) -> bool:
            raise error

        service.answer = fail
        found = await calls.notify(MESSAGE, inf)
        assert found == Failed(code=type(error).__name__, fault=AttemptFault.PROVIDER)
    service.answer = lambda: True
    assert await calls.notify(MESSAGE, inf) == Sent()


async def test_one_that_cannot_be_opened_any_more_is_a_failure() -> None:
    def broken() -> Callable[[AppriseMessage], bool]:
        raise KeyError(SECRET)

    calls = TargetCalls(broken, timeout_seconds=20)
    for _ in range(CALLS + 1):
        assert await calls.notify(MESSAGE, inf) == Failed(code="KeyError", fault=AttemptFault.PROVIDER)


async def test_so_many_at_once_and_each_thread_has_a_service_of_its_own(service: Service) -> None:
    calls = TargetCalls(service.open, timeout_seconds=20)
    for _ in range(2):
        service.heard.clear()
        service.go_on.clear()
        sending = [asyncio.ensure_future(calls.notify(MESSAGE, inf)) for _ in range(5 * CALLS)]
        await turns_until(lambda: len(service.heard) == CALLS, what="the threads")
        service.go_on.set()
        assert await asyncio.gather(*sending) == [Sent()] * (5 * CALLS)
    assert (len(service.heard), len(service.opened)) == (5 * CALLS, CALLS)


async def test_an_answer_that_does_not_come_is_unconfirmed_and_the_target_is_left_alone(service: Service) -> None:
    calls = TargetCalls(service.open, timeout_seconds=0.05)
    service.go_on.clear()
    assert await asyncio.gather(*(calls.notify(MESSAGE, inf) for _ in range(CALLS))) == [NO_ANSWER] * CALLS
    assert (NO_ANSWER.unconfirmed, NO_ANSWER.cool_down) == (True, True)
    assert await calls.notify(MESSAGE, inf) == STUCK, "it waits for none of its threads"
    assert isinstance(STUCK, ProviderUnavailable), "no attempt is used up"
    assert len(service.heard) == CALLS, "and asks nobody"
    service.go_on.set()
    await turns_until(lambda: calls._late == 0, what="the late answers")
    assert await calls.notify(MESSAGE, inf) == Sent()


async def test_after_its_time_nothing_is_sent(service: Service) -> None:
    calls = TargetCalls(service.open, timeout_seconds=20)
    assert await calls.notify(MESSAGE, 0.0) == LeaseTooShort()
    service.go_on.clear()
    busy = [asyncio.ensure_future(calls.notify(MESSAGE, inf)) for _ in range(CALLS)]
    await turns_until(lambda: len(service.heard) == CALLS, what="the threads")
    assert await calls.notify(MESSAGE, time.monotonic() + 0.05) == LeaseTooShort()
    service.go_on.set()
    assert await asyncio.gather(*busy) == [Sent()] * CALLS
    assert len(service.heard) == CALLS
    assert await calls.notify(MESSAGE, inf) == Sent()


async def test_one_that_hangs_keeps_no_other_waiting_and_an_unknown_one_is_a_dead_address(service: Service) -> None:
    hung = Service()
    hung.go_on.clear()
    services = {"json://hung": hung, "json://well": service}
    sender = AppriseSender(
        {"hung": "json://hung", "well": "json://well"}, lambda url: services[url].open(), timeout_seconds=20
    )
    waiting = [asyncio.ensure_future(sender.send(to("hung"), TEXTS, inf)) for _ in range(2 * CALLS)]
    await turns_until(lambda: len(hung.heard) == CALLS, what="the threads")
    assert await sender.send(to("well"), TEXTS, inf) == Sent()
    assert await sender.send(to("nobody"), TEXTS, inf) == UNKNOWN_TARGET
    hung.go_on.set()
    assert await asyncio.gather(*waiting) == [Sent()] * (2 * CALLS)
    await sender.close()
    await sender.close()
