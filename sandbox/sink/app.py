"""Wiring of the sink: SMTP and HTTP on loopback, one list of messages behind both."""

from __future__ import annotations

import asyncio

from aiohttp import web

from sandbox.sink.faults import SinkFaults
from sandbox.sink.http import make_app
from sandbox.sink.http2 import EitherVersion, Http2Server
from sandbox.sink.messages import Messages
from sandbox.sink.providers.apns import FakeApns
from sandbox.sink.settings import SinkSettings
from sandbox.sink.smtp import listen
from shared.process.runtime import Runtime, run
from shared.process.settings import load


async def serve(settings: SinkSettings, runtime: Runtime) -> None:
    """Serve until the runtime says stop."""
    messages, faults = Messages(settings.sink_keeps), SinkFaults()
    runner = web.AppRunner(make_app(messages, faults, callback_url=settings.callback_url), access_log=None)
    await runner.setup()
    older, apns = runner.server, FakeApns(messages, faults)
    assert older is not None  # noqa: S101  # it is set up
    http = await asyncio.get_running_loop().create_server(
        lambda: EitherVersion(older, lambda: Http2Server(apns.answer)), settings.host, settings.sink_port
    )
    smtp = await listen(settings.host, settings.smtp_port, messages, faults)
    runtime.serves(
        http=f"http://{settings.host}:{settings.sink_port}", smtp=f"smtp://{settings.host}:{settings.smtp_port}"
    )
    try:
        await runtime.stop.wait()
    finally:
        smtp.close()
        http.close()
        await runner.cleanup()


def main() -> None:
    """The process."""
    settings = load(SinkSettings)

    async def live(runtime: Runtime) -> None:
        await serve(settings, runtime)

    run("sink", settings, live)
