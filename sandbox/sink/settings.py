"""Settings of the sink."""

from __future__ import annotations

from pydantic import Field

from shared.process.settings import EdgeSettings


class SinkSettings(EdgeSettings):
    """The outside world of a sandbox."""

    sink_port: int = Field(8025, ge=0, le=65535, description="port of the sink's HTTP side")
    smtp_port: int = Field(2525, ge=0, le=65535, description="in the sink: where it takes mail")
    callback_url: str = Field("", description="in the sink: where ingest is, for providers that call back at one place")
    sink_keeps: int = Field(50_000, ge=1, description="messages kept in memory; the oldest go")
