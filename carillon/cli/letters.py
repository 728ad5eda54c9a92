"""What the commands about dead letters share: which letters are meant, and the console that is asked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from carillon.cli import target
from carillon.cli.options import State

if TYPE_CHECKING:
    from collections.abc import Mapping

PATH = "/v1/dead-letters"
LetterChannel = Annotated[str | None, typer.Option(help="Of this channel: email, sms, …")]
LetterCode = Annotated[
    str | None, typer.Option(help="With this code, the provider's or ours; `carillon dlq groups` shows them.")
]
LetterReason = Annotated[str | None, typer.Option(help="For this reason, as `carillon why` names it.")]
LetterWorkflow = Annotated[str | None, typer.Option(help="Of this workflow.")]
LetterUser = Annotated[str | None, typer.Option(help="To this user.")]
LetterSince = Annotated[str | None, typer.Option(help="That failed since: 2026-01-05T08:00:00Z, or 2h, 3d.")]
LetterUntil = Annotated[str | None, typer.Option(help="That failed before: the same.")]
LetterJson = Annotated[bool, typer.Option("--json", help="Print the console's answer as JSON.")]
LetterState = Annotated[str, typer.Option("--in", help="open, redriving, redriven, discarded or any.")]


class ConsoleCalls:
    """The console that a command talks to."""

    def __init__(self, state: State, url: str | None, console_url: str | None, key: str | None) -> None:
        self._where = (state, url, console_url, key)

    def do(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The answer of one call; exits with a readable line when there is none."""

        async def work() -> dict[str, Any]:
            async with target.client(*self._where) as carillon:
                return await carillon.operate(method, path, body)

        return target.carried_out(work())


def chosen(**given: str | None) -> dict[str, str]:
    """The filter as the API takes it; a span, as `2h`, is a time so long ago."""
    wanted = {name: value for name, value in given.items() if value is not None}
    return {name: _ago(value) if name in ("since", "until") else value for name, value in wanted.items()}


def _ago(text: str) -> str:
    from shared.model.timestamps import rfc3339
    from shared.process.clock import now_ms

    span = re.fullmatch(r"([0-9]{1,4})([smhd])", text)
    if span is None:
        return text
    seconds = {"s": 1, "m": 60, "h": 3600, "d": 86_400}[span[2]]
    return rfc3339(now_ms() - int(span[1]) * seconds * 1000)
