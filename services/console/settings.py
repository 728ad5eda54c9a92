"""Settings of the console."""

from __future__ import annotations

from pydantic import Field

from shared.process.settings import Settings


class ConsoleSettings(Settings):
    """The operators' edge."""

    host: str = "127.0.0.1"
    console_port: int = Field(8083, ge=0, le=65535)
