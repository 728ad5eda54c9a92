"""Wiring of the sink: SMTP and HTTP on loopback, one list of messages behind both."""

from __future__ import annotations

from aiohttp import web
from pydantic import Field

from sandbox.sink.faults import SinkFaults
from sandbox.sink.http import make_app
from sandbox.sink.messages import Messages
from sandbox.sink.smtp import listen
from shared.process.runtime import Runtime, run
from shared.process.settings import Settings, load


class SinkSettings(Settings):
    """The outside world of a sandbox."""

    host: str = "127.0.0.1"
    sink_port: int = Field(8025, ge=0, le=65535)
    smtp_port: int = Field(2525, ge=0, le=65535)
    sink_keeps: int = Field(50_000, ge=1, description="messages in memory; the oldest go")


async def serve(settings: SinkSettings, runtime: Runtime) -> None:
    """Serve until the runtime says stop."""
    messages, faults = Messages(settings.sink_keeps), SinkFaults()
    runner = web.AppRunner(make_app(messages, faults), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, settings.host, settings.sink_port).start()
    smtp = await listen(settings.host, settings.smtp_port, messages, faults)
    runtime.started = True
    try:
        await runtime.stop.wait()
    finally:
        smtp.close()
        await runner.cleanup()


def main() -> None:
    """The process."""
    settings = load(SinkSettings)

    async def live(runtime: Runtime) -> None:
        await serve(settings, runtime)

    run("sink", settings, live)
