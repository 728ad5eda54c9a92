"""`carillon template preview`: every message as it would be sent, and an exit code that says whether one would not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from carillon.cli import app
from services.delivery.channels.previewing import parts, previewed
from services.delivery.rendering.liquid import RenderFailed
from shared.model.channel_templates import Templates
from shared.model.channels import CHANNEL_SPECS, Channel
from shared.model.workflows import parse
from tests.support import samples as a

WORKFLOW = """
key: order.shipped
category: orders
steps:
  - {key: show, channels: [in_app, push]}
  - {key: tell, channels: [email, sms, webhook]}
templates:
  in_app: {title: {en: "Order {{ data.order }}", de: "Bestellung {{ data.order }}"}, url: "{{ data.link }}"}
  push: {title: "{{ data.at | local_datetime }}"}
  sms: {text: "Ordér {{ data.order }} ✓"}
  email:
    subject: "{{ tenant.brand.shop }} {{ data.order }}"
    text: Hello {{ user.name }}
    mjml: <mjml><mj-body><mj-section><mj-column><mj-text>{{ data.order }}</mj-text></mj-column></mj-section></mj-body></mjml>
variants:
  - {key: plain}
  - {key: loud, templates: {sms: {text: "NOW"}}}
"""
DATA = {"order": "A<7", "at": "2026-11-30T23:30:00Z", "link": "javascript:alert(1)"}


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No platform is near."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CARILLON_MONGO", raising=False)
    monkeypatch.delenv("CARILLON_SECRETS_DIR", raising=False)
    (tmp_path / "workflow.yaml").write_text(WORKFLOW)


def run(*more: str, data: Any = DATA, code: int = 0) -> str:
    arguments = ["template", "preview", "workflow.yaml", "--data", json.dumps(data), "--brand", "shop=Acme", *more]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == code, result.output
    return result.output


def shown(*more: str, **given: Any) -> list[dict[str, Any]]:
    return list(json.loads(run("--json", *more, **given)))


def test_every_message_of_every_channel_and_variant() -> None:
    found = shown("--user", '{"email": "bo@example.com", "name": "Bo", "zone": "Europe/Berlin", "locale": "en-GB"}')
    assert [(each["channel"], each["step"], each.get("variant")) for each in found] == [
        ("in_app", "show", "plain"), ("in_app", "show", "loud"), ("push", "show", "plain"), ("push", "show", "loud"),
        ("email", "tell", "plain"), ("email", "tell", "loud"), ("sms", "tell", "plain"), ("sms", "tell", "loud"),
        ("webhook", "tell", None),
    ]  # fmt: skip
    said = {(each["channel"], each.get("variant")): each["parts"] for each in found}
    assert said["in_app", "plain"] == {"title": "Order A<7"}, "a link that may not be followed is left out"
    assert said["push", "plain"] == {"title": "1 Dec 2026, 00:30"}
    assert said["sms", "plain"] == {"text": "Ordér A<7 ✓", "segments": 1, "alphabet": "UCS-2"}
    assert said["sms", "loud"] == {"text": "NOW", "segments": 1, "alphabet": "GSM-7"}
    assert (said["email", "plain"]["subject"], said["email", "plain"]["text"]) == ("Acme A<7", "Hello Bo")
    assert ">A&lt;7<" in said["email", "plain"]["html"]
    assert said["webhook", None]["body"]["data"]["order"] == "A<7"


def test_one_channel_in_two_languages() -> None:
    found = shown("--channel", "in_app", "--variant", "loud", "--locale", "de", "--locale", "en")
    assert [each["parts"]["title"] for each in found] == ["Bestellung A<7", "Order A<7"]


def test_in_a_zone() -> None:
    (found,) = shown("--channel", "push", "--variant", "plain", "--zone", "America/New_York")
    assert found["parts"]["title"] == "Nov 30, 2026, 6:30\u202fPM"


def test_on_the_screen_html_is_a_size_and_goes_into_a_file(tmp_path: Path) -> None:
    output = run("--channel", "email", "--variant", "plain", "--html", "out.html")
    assert "bytes; --html FILE writes it" in output
    assert "<td" not in output
    assert ">A&lt;7<" in (tmp_path / "out.html").read_text("utf-8")


def test_what_would_be_a_dead_letter_is_an_error() -> None:
    assert "missing:data.order" in run("--channel", "sms", "--variant", "plain", data={}, code=1)


@pytest.mark.parametrize(
    "more",
    [("--channel", "telegram"), ("--variant", "quiet"), ("--zone", "Berlin"), ("--brand", "shop"), ("--event", "workflow.yaml")],
)  # fmt: skip
def test_what_is_not_there_is_wrong_usage(more: tuple[str, ...]) -> None:
    run(*more, code=2)


def test_no_html_to_write() -> None:
    assert "No message has an HTML part" in run("--channel", "sms", "--html", "out.html", code=1)


@pytest.mark.parametrize("channel", [each for each, spec in CHANNEL_SPECS.items() if spec.template is not None])
def test_each_channel_has_previews(channel: Channel) -> None:
    with pytest.raises(RenderFailed, match="no_template"):
        previewed(a.delivery(channel=channel, step="none"), a.workflow(templates=Templates()), None)


def test_a_channel_that_says_nothing_itself_shows_the_parts_of_its_template() -> None:
    workflow = parse(
        {"key": "a", "category": "c", "steps": [{"key": "x", "channels": ["push"]}],
         "templates": {"push": {"title": "T {{ user.id }}", "url": "javascript:{{ user.id }}"}}}
    )  # fmt: skip
    assert parts(a.delivery(channel=Channel.PUSH), workflow, None) == {"title": "T ada", "url": "javascript:ada"}
