"""What the client does not send, and the answers it does not take for a success."""

from __future__ import annotations

import pytest

from carillon import AsyncClient, ClientError, ProblemError, UnexpectedAnswerError

NAN = float("nan")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed_and_its_location_is_told(platform, status):
    platform.answers = [(status, {"Location": "https://login.example.com/?next=x"})]
    async with AsyncClient(platform.url, "ck_x") as carillon:
        with pytest.raises(UnexpectedAnswerError) as caught:
            await carillon.notify("order.shipped", ["ana"])
    assert [method for method, _, _, _ in platform.asked] == ["POST"]
    assert f"{status} with Location https://login.example.com/?next=x" in caught.value.detail
    assert "without a redirect" in caught.value.fix
    assert isinstance(caught.value, ClientError)


@pytest.mark.parametrize("body", [b"<html>log in</html>", b"", b"[]", b"null", b"\xff"])
async def test_a_success_without_a_json_object_is_none(platform, body):
    platform.answers = [(200, {"Content-Type": "text/html"}, body)]
    async with AsyncClient(platform.url, "ck_x") as carillon:
        with pytest.raises(
            UnexpectedAnswerError, match=r"answered 200 without a JSON object \(text/html\)\. Next: check"
        ):
            await carillon.put_user("ana", {"locale": "de"})
    assert len(platform.asked) == 1


async def test_no_content_is_a_success(platform):
    platform.answers = [(204, {}, b"")]
    async with AsyncClient(platform.url, "ck_x") as carillon:
        assert await carillon.put_user("ana", {}) == {}


@pytest.mark.parametrize("body", [b"<html>", b"[1]", b'{"errors":null,"code":null}', b'{"errors":["x"]}'])
async def test_a_refusal_by_a_proxy_is_a_problem_too(platform, body):
    platform.answers = [(403, {}, body)]
    async with AsyncClient(platform.url, "ck_x") as carillon:
        with pytest.raises(ProblemError, match="403 unknown: the answer says no more") as caught:
            await carillon.get_user("ana")
    assert caught.value.errors == []


async def test_data_that_the_platform_cannot_carry_is_not_sent(platform):
    async with AsyncClient(platform.url, "ck_x") as carillon:
        with pytest.raises(ValueError, match=r"^/data/a: JSON has no nan"):
            await carillon.notify("order.shipped", ["ana"], data={"a": NAN})
        with pytest.raises(ValueError, match=r"^/1/data/n: the integer"):
            await carillon.send_events(
                [{"type": "a", "source": "/"}, {"type": "a", "source": "/", "data": {"n": 2**63}}]
            )
        with pytest.raises(ValueError, match=r"^/attributes/x: JSON has no inf"):
            await carillon.put_user("ana", {"attributes": {"x": float("inf")}})
    assert platform.asked == []


@pytest.mark.parametrize("one", ["ada", b"ada", {"email": "ada@example.com"}])
async def test_one_recipient_is_no_list_of_recipients(platform, one):
    async with AsyncClient(platform.url, "ck_x") as carillon:
        with pytest.raises(TypeError, match="recipients is a list: write") as caught:
            await carillon.notify("order.shipped", one)
    assert f"[{one!r}]" in str(caught.value)
    assert platform.asked == []


async def test_one_event_is_no_list_of_events(platform):
    async with AsyncClient(platform.url, "ck_x") as carillon:
        with pytest.raises(TypeError, match="events is a list"):
            await carillon.send_events({"type": "a", "source": "/shop"})
    assert platform.asked == []


async def test_an_empty_user_names_nobody(platform):
    async with AsyncClient(platform.url, "ck_x") as carillon:
        with pytest.raises(ValueError, match="the user is empty"):
            await carillon.put_user("", {})
    assert platform.asked == []


async def test_a_key_may_come_from_a_file(platform):
    async with AsyncClient(platform.url, " ck_x\n") as carillon:
        await carillon.get_user("ana")
    assert platform.asked[0][2]["Authorization"] == "Bearer ck_x"
