"""The Location of a 202 works on the host that answered it, or leads to the console."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from pydantic import ValidationError

from services.ingest.app import create_app
from services.ingest.settings import IngestSettings
from tests.support.asgi import call_app
from tests.unit.ingest.scenes import no_database

CONSOLE = "https://console.example.com"
NOBODY = no_database()
PATHS = [
    "/v1/notifications/n%20%C3%A41/timeline", "/v1/notifications/n/why", "/v1/events/e1",
    "/v1/events/e1/notifications",
]  # fmt: skip


def settings(console_url: str) -> IngestSettings:
    return IngestSettings(webhook_secret="a-master-secret-of-32-characters", console_url=console_url)


def ingest(console_url: str) -> FastAPI:
    return create_app(settings(console_url), database=NOBODY, catalog=NOBODY, kafka=NOBODY, outbox=NOBODY)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_who_asks_here_is_sent_to_the_console(path: str, method: str) -> None:
    answer = call_app(ingest(CONSOLE), method, path)
    assert (answer.status, answer.headers["location"]) == (307, CONSOLE + path)


@pytest.mark.parametrize("path", PATHS)
def test_where_nobody_said_where_it_is_the_answer_says_what_to_do(path: str) -> None:
    answer = call_app(ingest(""), "GET", path)
    assert (answer.status, answer.json()["code"]) == (404, "served_by_console")
    assert "CARILLON_CONSOLE_URL" in answer.json()["fix"]


@pytest.mark.parametrize("url", ["console.example.com", "https://console.example.com/", "ftp://x", "https://a b"])
def test_what_is_no_address_is_refused_at_start(url: str) -> None:
    with pytest.raises(ValidationError):
        settings(url)
