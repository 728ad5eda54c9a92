"""Settings of the console."""

from __future__ import annotations

from pydantic import Field

from shared.process.settings import EdgeSettings


class ConsoleSettings(EdgeSettings):
    """The operators' edge."""

    console_port: int = Field(8083, ge=0, le=65535, description="port of the operators' API")
    rollup_seconds: float = Field(
        5, gt=0, le=300, description="analytics may be this late; they take a fifth of a processor at most"
    )
