"""The routes of hot paths."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.routing import APIRoute
from fastapi.telemetry import TelemetryConfig
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.types import ASGIApp, ExceptionHandler, Receive, Scope, Send

Endpoint = Callable[[Request], Awaitable[Response]]
NO_TELEMETRY: Final = TelemetryConfig(tracing=False, metrics=False, logs=False)
"""For FastAPI, which else asks at each call whether anybody listens: 10 µs."""


class DirectRoute(APIRoute):
    """A route whose endpoint takes the request and returns the response.

    FastAPI solves nothing for it: that costs some 15 µs a call, and 10 µs more for each dependency. It stands in the OpenAPI
    document as any other.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The endpoint itself."""
        return self.endpoint


def install_direct_routes(
    app: FastAPI, *routers: APIRouter, around: Callable[[ASGIApp], ASGIApp] | None = None
) -> None:
    """Requests to the direct routes of `routers` pass nothing of what stands around the app's others, nor its routing.

    FastAPI's own layers cost some 40 µs a call. `around`: the middleware that these routes need as well. Only those whose
    path has no parameters; every other path, and every other method, goes the usual way.
    """
    endpoints: dict[tuple[str, str], Endpoint] = {
        (method, route.path): route.endpoint
        for router in routers
        for route in router.routes
        if isinstance(route, DirectRoute) and "{" not in route.path
        for method in route.methods or ()
    }
    usual = app.build_middleware_stack

    def build() -> ASGIApp:
        return _DirectRoutes(usual(), endpoints=endpoints, handlers=app.exception_handlers, around=around)

    app.build_middleware_stack = build  # type: ignore[method-assign]  # Starlette's only place outside of all middleware


class _DirectRoutes:
    """What an endpoint raises is answered as the app's own exception handlers say."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        endpoints: Mapping[tuple[str, str], Endpoint],
        handlers: Mapping[int | type[Exception], ExceptionHandler],
        around: Callable[[ASGIApp], ASGIApp] | None,
    ) -> None:
        self._app = app
        self._endpoints = endpoints
        answered = {kind: handler for kind, handler in handlers.items() if kind not in (500, Exception)}
        inner: ASGIApp = ExceptionMiddleware(self._answer, handlers=answered)
        bugs = handlers.get(500) or handlers.get(Exception)
        self._direct = ServerErrorMiddleware(inner if around is None else around(inner), handler=bugs)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        found = scope["type"] == "http" and (scope["method"], scope["path"]) in self._endpoints
        await (self._direct if found else self._app)(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        response = await self._endpoints[scope["method"], scope["path"]](request)
        await response(scope, receive, send)
