"""Users who opt out of e-mail when something of theirs is decided: their profiles are known to the router by then."""

from __future__ import annotations

from typing import Final

from shared.model.channels import Channel
from tests.chaos.calls import Calls
from tests.chaos.load import data, mark
from tests.chaos.run import Run
from tests.chaos.tables import Accepted
from tests.support.wait import until

NUMBERS: Final = range(2_000_000, 2_000_003)
"""One user each, with numbers that the rest of the load does not come to."""


async def opt_out_once_decided(run: Run) -> None:
    """One notification to each before, and one after it."""
    people = run.load.people
    async with Calls(harness=run.harness, keys=people.keys) as calls:
        for number in NUMBERS:
            await calls.insist("PUT", f"/v1/users/m{number}", people.profile(f"m{number}"))
        before = {await _post(run, calls, number, 0) for number in NUMBERS}

        async def decided() -> bool:
            return {status.subject for status in (await run.evidence()).statuses} >= before

        await until(decided, what="the first of each decided")
        for number in NUMBERS:
            await calls.insist("PATCH", f"/v1/users/m{number}", {"preferences": {"channel_types": {"email": False}}})
            await _post(run, calls, number, 1, refused=frozenset({Channel.EMAIL}))


async def _post(run: Run, calls: Calls, number: int, part: int, refused: frozenset[Channel] = frozenset()) -> str:
    """The notification's id."""
    wanted = {"workflow": "order.shipped", "recipients": [f"m{number}"], "data": data(number, part)}
    answer = await calls.insist("POST", "/v1/notifications", wanted)
    notification: str = answer["notifications"][0]["id"]
    about = Accepted(owner=f"default:m{number}#0", mark=mark(number, part), refused=refused)
    run.load.accepted[notification] = about
    return notification
