"""`/v1/callbacks/{provider}/{token}`: providers tell what became of messages. Whoever cannot prove who they are changes nothing."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from services.ingest.callbacks.keys import CallbackKeys
from services.ingest.callbacks.meta import MetaCallbacks, challenge
from services.ingest.callbacks.provider import CallbackProvider, ProviderCall, Reported, UnreadableCallback
from services.ingest.callbacks.receipt_writer import ReceiptWriter
from services.ingest.callbacks.sendgrid import SendGridCallbacks
from services.ingest.callbacks.twilio import TwilioCallbacks
from services.ingest.callbacks.vonage import VonageCallbacks
from shared.http.bodies import read_body
from shared.http.problems import Problem
from shared.http.work_limits import WorkLimits
from shared.model.callback_links import CALLBACKS_PATH, CallbackLink, read_callback
from shared.model.ports import RecordWriter
from shared.model.topics import Topics
from shared.mongo import suppressions
from shared.mongo.database import Database
from shared.mongo.receipts import Receipts
from shared.process.metrics import CALLBACKS

MAX_AT_ONCE: Final = 16


def callback_providers(keys: CallbackKeys) -> dict[str, CallbackProvider]:
    """By name; one that signs for all messages together only with its key."""
    providers: dict[str, CallbackProvider] = {
        "twilio": TwilioCallbacks(keys.twilio_auth_token.get_secret_value()),
        "vonage": VonageCallbacks(keys.vonage_signature_secret.get_secret_value(), keys.vonage_signature_method),
    }
    if keys.sendgrid_public_key:
        providers["sendgrid"] = SendGridCallbacks(keys.sendgrid_public_key)
    if secret := keys.whatsapp_app_secret.get_secret_value():
        providers["meta"] = MetaCallbacks(secret)
    return providers


class _Edge:
    """What becomes of a call."""

    def __init__(self, keys: CallbackKeys, receipts: ReceiptWriter, limits: WorkLimits) -> None:
        self._url = keys.callback_url + CALLBACKS_PATH
        self._secrets = keys.callback_secrets
        self._providers = callback_providers(keys)
        self._receipts = receipts
        self._limits = limits

    async def receive(self, request: Request, name: str, token: str | None) -> Response:
        """204 when all that it tells is durable. Raises Problem."""
        provider = self._providers.get(name)
        link = None if token is None else read_callback(token, self._secrets)
        if provider is None or provider.tokens_in_path != (link is not None):
            raise _forged(name if provider is not None else "unknown")
        # Its signature is over the body: whoever calls, that is read first.
        self._limits.hold(request, f"callback {name}")
        body = await read_body(request, provider.max_bytes)
        query = request.scope["query_string"]
        place = f"{self._url}/{name}/{token}" + (f"?{query.decode('latin-1')}" if query else "")
        call = ProviderCall(place, query, request.headers, body)
        if not provider.is_genuine(call):
            raise _forged(name)
        try:
            reports = provider.read(call)
        except UnreadableCallback as error:
            fix = f"Look at what {name} sends in its documentation; this version may be older than that."
            raise Problem(400, error.code, error.detail, fix=fix) from error
        if not reports:
            CALLBACKS.labels(name, "ignored").inc()
        for start in range(0, len(reports), MAX_AT_ONCE):
            some = reports[start : start + MAX_AT_ONCE]
            await asyncio.gather(*(self._tell(link, report, provider, name) for report in some))
        return Response(status_code=204)

    async def _tell(self, link: CallbackLink | None, report: Reported, provider: CallbackProvider, name: str) -> None:
        if link is None and report.token is not None:
            link = read_callback(report.token, self._secrets)
        if link is None:  # a message of somebody else who has the same account
            CALLBACKS.labels(name, "ignored").inc()
            return
        CALLBACKS.labels(name, await self._receipts.tell(link, report, provider.account)).inc()


def callback_routes(
    keys: CallbackKeys, *, database: Database, writer: RecordWriter, topics: Topics, limits: WorkLimits
) -> APIRouter:
    """No credential but signatures. 204 when all that follows is durable; else the provider is to call again.

    In no OpenAPI document: nobody else calls here.
    """
    suppress = partial(suppressions.put, database, writer, topics)
    receipts = ReceiptWriter(receipts=Receipts(database), suppress=suppress, writer=writer, topics=topics)
    edge = _Edge(keys, receipts, limits)
    routes = APIRouter(prefix=CALLBACKS_PATH, include_in_schema=False)

    @routes.get("/meta")
    async def greeted(request: Request) -> Response:
        """What Meta asks when its webhook is set up."""
        text = challenge(request.scope["query_string"], keys.whatsapp_verify_token.get_secret_value())
        if text is None:
            raise _forged("meta")
        return PlainTextResponse(text)

    @routes.api_route("/{name}", methods=["GET", "POST"])
    @routes.api_route("/{name}/{token}", methods=["GET", "POST"])
    async def called(request: Request, name: str, token: str | None = None) -> Response:
        return await edge.receive(request, name, token)

    return routes


def _forged(name: str) -> Problem:
    CALLBACKS.labels(name, "forged").inc()
    fix = (
        "Operators: CARILLON_CALLBACK_URL and CARILLON_CALLBACK_SECRET are the same here and where messages are sent, "
    )
    fix += "and the provider's key here is the one that it signs with (docs/channels/README.md)."
    return Problem(
        403, "forged_callback", "this is not what a provider was given to call, or it did not sign it", fix=fix
    )
