"""What the client raises: a refusal with the next step, or that nobody answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ClientError(Exception):
    """The root of what the client raises."""


class UnreachableError(ClientError):
    """No answer in time: it may have been accepted. The same call with the same key (events: the same id) is safe."""


class KafkaRejectedError(ClientError):
    """Kafka refused the client or an event: nothing was written, and nothing will be until `fix` is done."""

    def __init__(self, detail: str, *, fix: str) -> None:
        self.detail = detail
        self.fix = fix
        """The next step."""
        super().__init__(f"{detail}. Next: {fix}")


class ProblemError(ClientError):
    """The platform refused. `document` is the problem as it came (RFC 9457); the properties read it."""

    def __init__(self, status: int, document: Mapping[str, Any], *, retry_after: float | None = None) -> None:
        self.status = status
        self.document = document
        self.retry_after = retry_after
        """Seconds that the platform asked to wait; None when it did not."""
        super().__init__(f"{status} {self.code}: {self.detail}")

    @property
    def code(self) -> str:
        """Stable, for programs: `unknown_workflow`."""
        return str(self.document.get("code", "unknown"))

    @property
    def detail(self) -> str:
        """What is wrong, for people."""
        return str(self.document.get("detail", "the answer says no more"))

    @property
    def fix(self) -> str:
        """The next step; empty when the platform named none."""
        return str(self.document.get("fix", ""))

    @property
    def errors(self) -> list[tuple[str, str]]:
        """JSON pointer (RFC 6901) into the body, and what is wrong there."""
        return [
            (str(error.get("pointer", "")), str(error.get("detail", ""))) for error in self.document.get("errors", [])
        ]
