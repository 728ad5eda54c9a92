"""Settings of the work orders' pages."""

from __future__ import annotations

from pydantic import Field

from shared.process.settings import Settings


class WorkOrderPagesSettings(Settings):
    """Two pages over a local stack. They give out tokens, so their address is no setting: loopback."""

    workorders_port: int = Field(
        3000, ge=0, le=65535, description="port of the work orders' pages, their API and `/ws`"
    )
    workorders_state: str = Field(
        ".carillon", description="in the work orders' pages: the state folder of the stack that they are about"
    )
