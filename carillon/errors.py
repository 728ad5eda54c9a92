"""What the client raises: a refusal with the next step, or that nobody answered. All can be copied and pickled."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any


class ClientError(Exception):
    """The root of what the client raises."""


class UnreachableError(ClientError):
    """No answer in time: it may have been accepted. The same call with the same key (events: the same id) is safe."""


class _WithFix(ClientError):
    """`detail` says what is wrong, `fix` the next step."""

    def __init__(self, detail: str, *, fix: str) -> None:
        self.detail = detail
        self.fix = fix
        super().__init__(f"{detail}. Next: {fix}")

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), fix=self.fix), (self.detail,), self.__dict__


class KafkaRejectedError(_WithFix):
    """Kafka refused the client or an event: nothing was written, and nothing will be until `fix` is done."""


class UnexpectedAnswerError(_WithFix):
    """What answered is not the platform: a login page or another redirect, a page of a proxy."""


class SocketEndedError(_WithFix):
    """The gateway ended a socket for good: coming back would end the same. `code` is its close code."""

    def __init__(self, detail: str, *, fix: str, code: int) -> None:
        super().__init__(detail, fix=fix)
        self.code = code

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), fix=self.fix, code=self.code), (self.detail,), self.__dict__


class CommandRejectedError(_WithFix):
    """The gateway rejected a command on a socket, which goes on. `code` is for programs: `bad_command`."""

    def __init__(self, detail: str, *, fix: str, code: str) -> None:
        super().__init__(detail, fix=fix)
        self.code = code

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), fix=self.fix, code=self.code), (self.detail,), self.__dict__


class ProblemError(ClientError):
    """The platform refused. `document` is the problem as it came (RFC 9457); the properties read it."""

    def __init__(self, status: int, document: Mapping[str, Any], *, retry_after: float | None = None) -> None:
        self.status = status
        self.document = document
        self.retry_after = retry_after
        """Seconds that the platform asked to wait; None when it did not."""
        super().__init__(f"{status} {self.code}: {self.detail}")

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), retry_after=self.retry_after), (self.status, self.document), self.__dict__

    @property
    def code(self) -> str:
        """Stable, for programs: `unknown_workflow`."""
        return _text(self.document, "code") or "unknown"

    @property
    def detail(self) -> str:
        """What is wrong, for people."""
        return _text(self.document, "detail") or "the answer says no more"

    @property
    def fix(self) -> str:
        """The next step; empty when the platform named none."""
        return _text(self.document, "fix")

    @property
    def errors(self) -> list[tuple[str, str]]:
        """JSON pointer (RFC 6901) into the body, and what is wrong there; what a proxy put there is left out."""
        found = self.document.get("errors")
        rows = found if isinstance(found, list) else []
        return [(_text(row, "pointer"), _text(row, "detail")) for row in rows if isinstance(row, Mapping)]


def _text(document: Mapping[str, Any], name: str) -> str:
    """A member of a problem as text; empty where it is missing or null."""
    value = document.get(name)
    return "" if value is None else str(value)
