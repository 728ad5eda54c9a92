"""What the client is made with is checked when it is made."""

from __future__ import annotations

import pytest

from carillon import AsyncClient
from carillon.arguments import audience_or_list
from carillon.client import _wait
from carillon.errors import ProblemError, UnexpectedAnswerError, UnreachableError

URL = "https://carillon.example.com"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "carillon.example.com",
        "localhost:8080",
        "127.0.0.1:8080",
        "ftp://a",
        "http://",
        "https:///v1",
        f"{URL}/?a=b",
    ],
)
def test_an_address_that_is_none_is_refused(url):
    for addresses in ({"url": url}, {"url": URL, "console_url": url or "x"}):
        with pytest.raises(ValueError, match="no address of a platform; write it as https://"):
            AsyncClient(key="ck_x", **addresses)


@pytest.mark.parametrize("key", ["", " \n", "ck_\nx", "ck_é"])
def test_a_key_that_is_none_is_refused_and_not_told(key):
    with pytest.raises(ValueError, match="the API key is empty or has characters") as caught:
        AsyncClient(URL, key)
    assert not key.strip() or key not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (UnreachableError("x"), True),
        (ValueError("x"), False),
        (UnexpectedAnswerError("x", fix="y"), False),
        (ProblemError(503, {}), True),
        (ProblemError(422, {}, retry_after=1), False),
        (ProblemError(409, {}), False),
        (ProblemError(503, {}, retry_after=11), False),
        (ProblemError(429, {}, retry_after=10.1), False),
    ],
)
def test_what_is_tried_again(error, again):
    assert _wait(error, 10) is again


@pytest.mark.parametrize("status", [409, 429, 503])
def test_the_wait_is_the_one_that_was_asked_for(status):
    assert 10 <= _wait(ProblemError(status, {}, retry_after=10), 10) <= 10.2


@pytest.mark.parametrize("audience", [{"topic": "thread:7"}, {"users": "all", "where": {"profile.locale": ["de"]}}])
def test_an_audience_is_no_list(audience):
    assert audience_or_list(audience) == audience
    assert audience_or_list(("ada",)) == ["ada"]


@pytest.mark.parametrize("one", ["ada", {"email": "ada@example.com"}])
def test_one_recipient_is_no_list_and_no_audience(one):
    with pytest.raises(TypeError, match="recipients is a list"):
        audience_or_list(one)
