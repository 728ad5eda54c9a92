"""Settings of the playground."""

from __future__ import annotations

from pydantic import Field

from shared.process.settings import Settings


class PlaygroundSettings(Settings):
    """The page of a local stack. It gives out tokens, so its address is no setting: loopback."""

    playground_port: int = Field(8088, ge=0, le=65535, description="port of the local stack's page to try it on")
    playground_state: str = Field(
        ".carillon", description="in the playground: the state folder of the stack that it shows"
    )
