"""`/docs` of every service works without any other host: its script and style come from the service itself."""

from __future__ import annotations

import re

import pytest
from fastapi import FastAPI

from tests.support.asgi import ask_app
from tests.unit.shared.http.test_problem_pages import console, gateway, ingest

SERVICES = {"ingest": ingest, "gateway": gateway, "console": console}


@pytest.mark.parametrize("service", SERVICES)
async def test_the_page_and_all_that_it_loads_come_from_here(service: str) -> None:
    app: FastAPI = SERVICES[service]()
    page = await ask_app(app, "GET", "/docs")
    assert page.status == 200
    text = page.body.decode()
    loaded = re.findall(r'(?:src|href|url)[=:]\s*["\']([^"\']+)', text)
    assert len(loaded) >= 3
    for place in loaded:
        assert place.startswith("/"), place
        assert (await ask_app(app, "GET", place)).status == 200, place
