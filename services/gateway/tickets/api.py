"""`POST /api/v1/notifications/tickets`: what opens a socket where no token can be sent."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from services.gateway.identity import Identify
from services.gateway.inbox.api import PREFIX
from services.gateway.problem_responses import problem_responses
from services.gateway.tickets.store import GOOD_SECONDS, TicketStore
from shared.model.users import User


class SocketTicket(BaseModel):
    """Good for one socket: `ws://…/?ticket=…`."""

    ticket: str = Field(description="secret until it is used; it opens one socket, once")
    expires_in: int = Field(description="seconds")


def ticket_routes(tickets: TicketStore, identity: Identify) -> APIRouter:
    """For clients that can neither name subprotocols nor send a first message."""
    routes = APIRouter(prefix=f"{PREFIX}/tickets", tags=["sockets"])
    own = Depends(identity)

    @routes.post("", summary="Get a ticket for a socket", responses=problem_responses(401, 429, 503))
    async def issue(response: Response, user: User = own) -> SocketTicket:
        """A ticket of your own, as good as your token and for half a minute."""
        response.headers["Cache-Control"] = "no-store"
        return SocketTicket(ticket=await tickets.issue(user), expires_in=GOOD_SECONDS)

    return routes
