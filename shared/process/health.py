"""The health port: /livez, /readyz and /metrics."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest


async def serve_health(
    health: Callable[[], Awaitable[dict[str, bool | str]]],
    host: str,
    port: int,
    *,
    reports: Mapping[str, Callable[[], object]] = MappingProxyType({}),
) -> web.AppRunner:
    """Listens until the runner returned is cleaned up; `health` answers each check by name: True, or what is wrong.

    `reports` (JSON) stand beside the answers and decide nothing.

    Raises OSError when the port is taken.
    """

    async def live(_: web.Request) -> web.Response:
        return web.json_response({"status": "live"})

    async def ready(_: web.Request) -> web.Response:
        answers = await health()
        shown = {**answers, **{name: report() for name, report in reports.items()}}
        return web.json_response(shown, status=200 if all(answer is True for answer in answers.values()) else 503)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"content-type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes(
        [
            web.get("/livez", live),
            web.get("/readyz", ready),
            web.get("/healthz", ready),
            web.get("/metrics", metrics),
        ]
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner
