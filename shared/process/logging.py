"""Logs: JSON lines off a terminal; ids, never addresses or contents."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping

import structlog

from shared.process.retries import log_what_waits

SELDOM_SECONDS = 10


class _Seldom(logging.Filter):
    """Lets a library say the same thing once in ten seconds: while a broker is unavailable it says so at every try."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        what = (record.name, str(record.msg))
        if record.created - self._said.get(what, 0.0) < SELDOM_SECONDS:
            return False
        self._said[what] = record.created
        return True


def configure_logging(service: str, level: str = "info") -> None:
    """JSON lines on stdout off a terminal, readable lines on one; library logs take the same way."""

    def name_service(_: object, __: str, event: MutableMapping[str, object]) -> MutableMapping[str, object]:
        event.setdefault("service", service)  # in every thread: what is bound to a context is the thread's own
        return event

    shared: list[structlog.typing.Processor] = [
        name_service,
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if sys.stdout.isatty() else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    handler.addFilter(_Seldom())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    log_what_waits()
