"""Who opens a socket: a token says so, or a ticket."""

from __future__ import annotations

from services.gateway.identity import identify
from services.gateway.tickets.store import PREFIX, TicketStore
from shared.http.tokens import InvalidToken, TokenVerifier
from shared.model.users import User

WRONG_TICKET = "the ticket was used before, or is older than half a minute; get another one"


async def identify_socket(verifier: TokenVerifier, tickets: TicketStore, credential: str) -> User:
    """Raises InvalidToken, or MongoUnavailable."""
    if not credential.startswith(PREFIX):
        return await identify(verifier, credential)
    user = await tickets.redeem(credential)
    if user is None:
        raise InvalidToken(WRONG_TICKET)
    return user
