"""Changes that nobody could make."""

from __future__ import annotations

from typing import ClassVar


class RejectedChange(Exception):
    """Nothing was changed; `code` and `detail` say why, over sockets and by HTTP."""

    code: ClassVar[str]

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail
