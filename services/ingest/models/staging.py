"""Where a tenant's tests go, as the API reads and shows it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictBool, model_validator

from services.ingest.models.body import Body
from services.ingest.models.fields import field_error
from shared.model.channels import Channel
from shared.model.devices import MAX_ADDRESS
from shared.model.errors import Invalid

StagedAddress = Annotated[str, Field(min_length=1, max_length=MAX_ADDRESS)]


class StagingBody(Body):
    """Where tests go: what test keys send, or all of the tenant's."""

    everything: StrictBool = Field(False, description="true: all of the tenant's is a test")
    allow: dict[Channel, list[StagedAddress]] = Field(
        {}, description="by channel, who is reached all the same; of e-mail `@domain` is all of a domain"
    )
    redirect: dict[Channel, StagedAddress] = Field({}, description="by channel, the one address for all the others")

    @model_validator(mode="after")
    def _fit_their_channels(self) -> StagingBody:
        every = [(f"/redirect/{channel}", channel, address) for channel, address in self.redirect.items()]
        for channel, allowed in self.allow.items():
            every += [(f"/allow/{channel}/{n}", channel, address) for n, address in enumerate(allowed)]
        for pointer, channel, address in every:
            kind = channel.spec.address
            if kind is None:
                raise field_error(Invalid("invalid_tenant", f"{channel} has no addresses", pointer))
            if not (pointer.startswith("/allow") and channel is Channel.EMAIL and address.startswith("@")):
                try:
                    kind.check(address, pointer)
                except Invalid as error:
                    raise field_error(error) from error
        return self
