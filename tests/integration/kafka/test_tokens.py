"""Tokens by the client-credentials grant: used again until they are old, and what an endpoint may answer instead."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from shared.kafka.connection import Mechanism
from shared.kafka.rejections import check_connection
from shared.kafka.tokens import ClientCredentials, TokenError, TokenFile, TokenProvider, TokenRejected
from shared.model.errors import KafkaRejected, KafkaUnavailable
from tests.support.strict_kafka import USER, StrictKafka


@dataclass
class Endpoint:
    """Gives what it was told to give."""

    source: ClientCredentials
    server: TestServer
    answers: list[web.Response] = field(default_factory=list)
    forms: list[dict[str, object]] = field(default_factory=list)

    def give(self, status: int = 200, **body: object) -> None:
        self.answers.append(web.json_response(body, status=status))


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    async def answer(request: web.Request) -> web.Response:
        assert b64decode(request.headers["authorization"].removeprefix("Basic ")) == b"carillon:s"
        made.forms.append(dict(await request.post()))
        return made.answers.pop(0)

    app = web.Application()
    app.router.add_post("/token", answer)
    async with TestServer(app) as server:
        source = ClientCredentials(
            endpoint=str(server.make_url("/token")), client="carillon", secret="s", scope="kafka"
        )
        made = Endpoint(source, server)
        yield made


async def test_a_token_is_used_again_until_it_is_old(endpoint: Endpoint) -> None:
    endpoint.give(access_token="first", expires_in=3600)
    endpoint.give(access_token="second", expires_in=3600)
    provider = TokenProvider(endpoint.source)
    assert [await provider.token(), await provider.token()] == ["first", "first"]
    provider._until -= 3600
    assert await provider.token() == "second"
    assert endpoint.forms == [{"grant_type": "client_credentials", "scope": "kafka"}] * 2


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, {"error": "invalid_client"}, TokenRejected),
        (302, {}, TokenRejected),
        (200, {"token": "misnamed"}, TokenRejected),
        (200, {"access_token": ""}, TokenRejected),
        (503, {}, TokenError),
        (429, {}, TokenError),
    ],
)
async def test_an_endpoint_that_gives_none(
    endpoint: Endpoint, status: int, body: dict[str, object], error: type[TokenError]
) -> None:
    endpoint.give(status, **body)
    with pytest.raises(TokenError) as caught:
        await TokenProvider(endpoint.source).token()
    assert type(caught.value) is error
    assert "secret" not in str(caught.value)


async def test_kafka_takes_it_and_a_refusal_names_the_setting(strict: StrictKafka, endpoint: Endpoint) -> None:
    kafka = replace(strict.connection(Mechanism.OAUTHBEARER), token=endpoint.source)
    endpoint.give(access_token=strict.token(USER).read_text().strip(), expires_in=3600)
    await check_connection(kafka)
    endpoint.give(401, error="invalid_client")
    with pytest.raises(KafkaRejected, match="CARILLON_KAFKA_TOKEN_ENDPOINT"):
        await check_connection(kafka)
    await endpoint.server.close()
    with pytest.raises(KafkaUnavailable, match="does not answer"):
        await check_connection(kafka)


async def test_a_file_that_is_not_there_or_empty(tmp_path: Path) -> None:
    provider = TokenProvider(TokenFile(path=tmp_path / "token"))
    with pytest.raises(TokenRejected, match="FileNotFoundError"):
        await provider.token()
    (tmp_path / "token").write_text("\n")
    with pytest.raises(TokenRejected, match="is empty"):
        await provider.token()
    (tmp_path / "token").write_text("abc\n")
    assert await provider.token() == "abc"
