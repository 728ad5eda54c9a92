"""The OpenAPI 3.1 description of what the handlers read by hand; `docs/api.md` tells the same in prose."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from fastapi.responses import Response

from services.ingest.schemas import EXAMPLES, SCHEMAS
from shared.model.event_codecs import BATCH, STRUCTURED

DESCRIPTION: Final = (
    "Producers' edge: what is answered with 202 is durable. "
    "Repeat a call that ended without an answer with the same `Idempotency-Key`."
)
_REFUSALS: Final = {
    400: "No strict JSON, or a bad Idempotency-Key",
    401: "No credential, or an unknown one",
    403: "The key lacks the scope",
    404: "There is no such user",
    409: "The first call with this Idempotency-Key is under way; see Retry-After",
    413: "The body, or what it expands to, is too large",
    415: "Another content type is needed",
    422: "Something in it is not valid: `errors` holds JSON pointers; or the Idempotency-Key came with another body",
    503: "Nothing was accepted; see Retry-After",
}
_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "1 to 255 characters, quoted or bare; answers are kept for 24 h",
    "schema": {"type": "string", "maxLength": 255},
    "example": '"6f1c0b5e-8d7e-4f0a-9f5d-0c6a3f1f2b11"',
}
_TRACE: Final = {
    "name": "traceparent",
    "in": "header",
    "description": "W3C Trace Context",
    "schema": {"type": "string"},
}
_USER: Final = {
    "name": "user",
    "in": "path",
    "required": True,
    "description": "The user's id: 1 to 200 printable characters",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
    "example": "ada",
}


def _ref(name: str) -> dict[str, Any]:
    return {"schema": {"$ref": f"#/components/schemas/{name}"}, "example": EXAMPLES[name]}


def _operation(
    operation_id: str,
    summary: str,
    tag: str,
    *,
    ok: tuple[int, str, str | None],
    refusals: tuple[int, ...],
    body: dict[str, Any] | None = None,
    parameters: tuple[dict[str, Any], ...] = (),
) -> dict[str, Any]:
    status, description, schema = ok
    answer: dict[str, Any] = {"description": description}
    if schema:
        answer["content"] = {"application/json": _ref(schema)}
    problem = {"application/problem+json": _ref("Problem")}
    common = (401, 403, *refusals, 503)
    extra: dict[str, Any] = {"security": [{"apiKey": []}], "parameters": list(parameters)}
    if body:
        extra["requestBody"] = {"required": True, "content": body}
    return {
        "operation_id": operation_id,
        "summary": summary,
        "tags": [tag],
        "status_code": status,
        "response_class": Response,
        "responses": {
            status: answer,
            **{refusal: {"description": _REFUSALS[refusal], "content": problem} for refusal in sorted(common)},
        },
        "openapi_extra": extra,
    }


SEND: Final = _operation(
    "sendNotifications",
    "Notify up to 100 users or inline people",
    "notifications",
    ok=(202, "Every notification is durable", "Accepted"),
    refusals=(400, 409, 413, 415, 422),
    body={"application/json": _ref("Send")},
    parameters=(_KEY, _TRACE),
)
CANCEL: Final = _operation(
    "cancelNotifications",
    "Cancel what was accepted with a cancellation key and is not sent yet",
    "notifications",
    ok=(202, "Cancelled; what is accepted with the key from now on lives", "Cancelled"),
    refusals=(400, 409, 413, 415, 422),
    body={"application/json": _ref("Cancel")},
    parameters=(_KEY,),
)
EVENTS: Final = _operation(
    "acceptEvents",
    "CloudEvents 1.0: structured, batch (up to 1000, all or none) or binary (attributes as ce- headers)",
    "events",
    ok=(202, "Every event is durable", "AcceptedEvents"),
    refusals=(400, 409, 413, 415, 422),
    body={
        STRUCTURED: _ref("CloudEvent"),
        BATCH: {"schema": {"$ref": "#/components/schemas/CloudEventBatch"}, "example": [EXAMPLES["CloudEvent"]]},
        "application/json": {"schema": {"description": "binary mode: the event's data"}},
    },
    parameters=(_KEY, _TRACE),
)
_CHANGED: Final = (200, "The stored profile; it counts for everything accepted from now on", "StoredProfile")
PUT_USER: Final = _operation(
    "putUser",
    "Create or replace a profile",
    "users",
    ok=_CHANGED,
    refusals=(400, 413, 415, 422),
    body={"application/json": _ref("Profile")},
    parameters=(_USER,),
)
PATCH_USER: Final = _operation(
    "patchUser",
    "Change parts of a profile (RFC 7386: null removes)",
    "users",
    ok=_CHANGED,
    refusals=(400, 404, 413, 415, 422),
    body={"application/merge-patch+json": _ref("ProfilePatch"), "application/json": _ref("ProfilePatch")},
    parameters=(_USER,),
)
GET_USER: Final = _operation(
    "getUser",
    "Read a profile",
    "users",
    ok=(200, "The stored profile", "StoredProfile"),
    refusals=(404, 422),
    parameters=(_USER,),
)
DELETE_USER: Final = _operation(
    "deleteUser",
    "Delete a profile; the user is unknown from then on",
    "users",
    ok=(204, "Nothing of it is left", None),
    refusals=(404, 422),
    parameters=(_USER,),
)


def complete(app: FastAPI) -> None:
    """Adds the schemas and the security scheme to what FastAPI generates."""
    generate = app.openapi

    def whole() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = generate()
            components = document.setdefault("components", {})
            components.setdefault("schemas", {}).update(SCHEMAS)
            components["securitySchemes"] = {
                "apiKey": {"type": "http", "scheme": "bearer", "description": "An API key: `carillon key create`"}
            }
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = whole  # type: ignore[method-assign]  # FastAPI documents this as the way to extend it
