"""`carillon catalog try`: an unpublished workflow and an event, without a platform."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from carillon.cli import app, rehearsing
from shared.deciding.routing import route
from shared.model.owners import Owner
from shared.model.profiles import Preferences
from tests.support import samples as a

WORKFLOW = """
key: order.shipped
on: [com.example.order.*]
recipients: data.to
category: orders
steps:
  - key: show
    channels: [in_app]
  - key: wait
    kind: wait_for_read
    seconds: 900
  - key: mail
    channels: [email, webhook]
templates:
  in_app:
    title: {en: "Order {{ data.order }}", de: "Bestellung {{ data.order }}"}
    url: "{{ data.link }}"
  email:
    subject: "Order {{ data.order }}"
    text: Hello {{ user.id }}
    html: <a href="{{ data.link }}">it</a>
"""
DATA = {"order": "A<7", "to": ["ana", ""], "link": "javascript:alert(1)"}


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No platform is near."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CARILLON_MONGO", raising=False)
    monkeypatch.delenv("CARILLON_SECRETS_DIR", raising=False)
    (tmp_path / "workflow.yaml").write_text(WORKFLOW)


def run(data: Any, *more: str, code: int = 0) -> str:
    Path("event.json").write_text(json.dumps(data))
    result = CliRunner().invoke(app, ["catalog", "try", "workflow.yaml", "--event", "event.json", *more])
    assert result.exit_code == code, result.output
    return result.output


def tried(data: Any, *more: str) -> dict[str, Any]:
    return dict(json.loads(run(data, "--json", *more)))


def test_each_recipient_sees_what_would_be_sent_and_when() -> None:
    found = tried(DATA)
    assert (found["workflow"], found["version"], found["profiles"]) == ("order.shipped", 0, "assumed")
    assert [each["pointer"] for each in found["left_out"]] == ["/data/to/1"]
    (ana,) = found["recipients"]
    assert [(each["channel"], each["step"]) for each in ana["messages"]] == [
        ("in_app", "show"), ("email", "mail"), ("webhook", "mail"),
    ]  # fmt: skip
    shown, mail, hook = (each["parts"] for each in ana["messages"])
    assert shown == {"title": "Order A<7"}, "data leads no link to a scheme of its own"
    assert mail["subject"] == "Order A<7"
    assert mail["text"] == "Hello ana"
    assert "javascript" not in mail["html"]
    assert hook["body"]["data"] == {"order": "A<7", "link": DATA["link"]}, "nobody is told whom else the event names"
    assert "if it is not read until then" in str(ana["sentences"])


def test_in_each_language() -> None:
    (ana,) = tried(DATA, "--locale", "de-AT", "--locale", "en")["recipients"]
    titles = [each["parts"]["title"] for each in ana["messages"] if each["channel"] == "in_app"]
    assert titles == ["Bestellung A<7", "Order A<7"]


def test_recipients_by_hand_and_inline_people() -> None:
    found = tried({"order": "1"}, "--user", "bob", "--user", '{"email":"eve@example.com"}')
    bob, eve = found["recipients"]
    assert bob["user"] == "bob"
    assert [each["channel"] for each in eve["messages"]] == ["email"]
    assert eve["messages"][0]["error"] == "missing:data.link"


def test_by_hand_too_nobody_sees_whom_the_event_names() -> None:
    (bob,) = tried(DATA, "--user", "bob")["recipients"]
    (ana,) = tried(DATA)["recipients"]
    shown = [each["messages"][2]["parts"]["body"]["data"] for each in (bob, ana)]
    assert shown == [{"order": "A<7", "link": "javascript:alert(1)"}] * 2


def test_a_cloudevent_is_taken_as_it_is() -> None:
    event = {"specversion": "1.0", "id": "1", "source": "/s", "type": "com.example.order.x", "data": DATA}
    (ana,) = tried(event)["recipients"]
    assert ana["messages"][2]["parts"]["body"]["type"] == "com.example.order.x"


def test_what_is_wrong_with_the_event_is_said() -> None:
    assert tried({"order": "1"})["rejected"]["reason"] == "no_recipients"
    assert "nothing stands at data.to" in run({"order": "1"})
    assert "Next:" in run({"specversion": "1.0"}, code=1)


def test_the_text_shows_all_of_it() -> None:
    text = run(DATA)
    for part in ("not published", "It goes by in_app.", "title: Order A<7", "left out", "MongoDB does not answer"):
        assert part in text


def test_what_is_shown_is_what_route_decides() -> None:
    inputs = a.routing_input()
    shown = [item["channel"] for item in rehearsing.rehearsed(inputs)["items"]]
    assert shown == [item.channel for item in route(inputs)]


def test_an_inline_person_who_is_a_user_is_followed() -> None:
    owner = Owner(user="bob", preferences=Preferences())
    contact = {"email": "bob@example.com"}
    person = a.routing_input(
        notification=a.notification(user="p", contact=rehearsing.recipient(contact, "").contact),
        profile=None,
        owner=owner,
    )
    (found,) = rehearsing.others([person])
    assert found.user == "bob"
