"""FCM's HTTP v1 API, and Google's token endpoint before it."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qs

import jwt
import orjson
from aiohttp import web
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from sandbox.sink.faults import HttpFault
from sandbox.sink.messages import Message, MessageKind
from sandbox.sink.push_keys import FCM_SERVICE_ACCOUNT
from shared.process.clock import now_ms

ACCOUNT: Final[dict[str, str]] = orjson.loads(FCM_SERVICE_ACCOUNT)
ACCESS_TOKEN: Final = "ya29.of-the-sink"  # noqa: S105  # it opens nothing else
GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
STATUSES: Final = {
    "UNREGISTERED": "NOT_FOUND",
    "SENDER_ID_MISMATCH": "PERMISSION_DENIED",
    "QUOTA_EXCEEDED": "RESOURCE_EXHAUSTED",
    "THIRD_PARTY_AUTH_ERROR": "UNAUTHENTICATED",
}
"""What Google's `status` is where FCM's `errorCode` has another name."""


class FakeGoogleTokens:
    """As https://oauth2.googleapis.com/token answers a service account."""

    name = "fcm_token"
    path = "/fcm/token"

    def answer(self, request: web.Request, body: bytes) -> web.Response:
        """Checks the signature, and whom it is for; the answer is a token, or a refusal."""
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        public = load_pem_private_key(ACCOUNT["private_key"].encode(), password=None).public_key()
        try:
            claims = jwt.decode(form.get("assertion", ""), public, algorithms=["RS256"], audience=str(request.url))  # type: ignore[arg-type]  # it is one of RSA
        except jwt.InvalidTokenError as error:
            return web.json_response({"error": "invalid_grant", "error_description": str(error)}, status=400)
        if form.get("grant_type") != GRANT or claims.get("iss") != ACCOUNT["client_email"]:
            return web.json_response({"error": "invalid_grant"}, status=400)
        return web.json_response({"access_token": ACCESS_TOKEN, "expires_in": 3599, "token_type": "Bearer"})

    def refusal(self, fault: HttpFault) -> web.Response:
        """An error in its words."""
        return web.json_response({"error": fault.code or "internal_failure"}, status=fault.status)


class FakeFcm:
    """As https://fcm.googleapis.com answers."""

    name = "fcm"
    path = "/fcm/v1/projects/{project}/messages:send"

    def read(self, request: web.Request, body: bytes) -> Message | web.Response:
        """The JSON that it is sent."""
        if request.headers.get("Authorization") != f"Bearer {ACCESS_TOKEN}":
            return _error(401, "UNAUTHENTICATED")
        if request.match_info["project"] != ACCOUNT["project_id"]:
            return _error(404, "NOT_FOUND")
        try:
            message = orjson.loads(body)["message"]
            token, shown = str(message["token"]), message["notification"]
        except (orjson.JSONDecodeError, LookupError, TypeError):
            return _error(400, "INVALID_ARGUMENT")
        if not token or not all(isinstance(value, str) for value in message.get("data", {}).values()):
            return _error(400, "INVALID_ARGUMENT")
        return Message(
            kind=MessageKind.PUSH,
            to=[f"fcm:{token}"],
            at_ms=now_ms(),
            headers=[],
            envelope={"provider": self.name, **message},
            body=body.decode(),
            subject=shown.get("title"),
            text=shown.get("body"),
        )

    def taken(self, message: Message) -> web.Response:
        """200, with the message's name."""
        return web.json_response({"name": f"projects/{ACCOUNT['project_id']}/messages/{message.n}"})

    def refusal(self, fault: HttpFault) -> web.Response:
        """An error in its words."""
        return _error(fault.status, fault.code)


def _error(status: int, code: str | None) -> web.Response:
    error: dict[str, Any] = {"code": status, "message": "told to fail, says the sink"}
    if code is not None:
        error["status"] = STATUSES.get(code, code)
        error["details"] = [{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}]
    return web.json_response({"error": error}, status=status)
