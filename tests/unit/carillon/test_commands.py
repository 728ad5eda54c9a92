from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from carillon.cli import app
from carillon.cli.program import as_called
from carillon.cli.send import json_object, recipient, watched, when
from carillon.cli.target import carried_out
from carillon.errors import ProblemError, UnexpectedAnswerError
from sandbox.ports import Ports
from sandbox.stack import new_stack, save
from shared.http.tokens import verify
from shared.model.timestamps import to_datetime
from shared.process.clock import now_ms

COMMANDS = [
    ["up"], ["down"], ["status"], ["logs"], ["doctor"], ["run"],
    ["send"], ["why"], ["why-not"], ["token"], ["key", "create"], ["key", "list"], ["key", "revoke"],
    ["migrate"], ["catalog", "check"], ["catalog", "push"], ["catalog", "publish"], ["catalog", "list"], ["catalog", "history"],
    ["catalog", "rollback"], ["catalog", "draw"], ["catalog", "try"], ["topics", "list"], ["topics", "create"],
    ["schedules", "list"], ["schedules", "pause"], ["schedules", "resume"], ["schedules", "delete"],
    ["events", "dead"], ["events", "redrive"], ["stop"], ["resume"],
    ["dlq", "list"], ["dlq", "groups"], ["dlq", "show"], ["dlq", "redrive"], ["dlq", "redrives"], ["dlq", "discard"], ["audit"], ["suppressions", "lift"],
    ["fanouts", "list"], ["fanouts", "show"], ["fanouts", "cancel"],
    ["tenants", "create"], ["tenants", "list"], ["tenants", "show"], ["tenants", "set"],
]  # fmt: skip


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """A folder without a stack above it, and no settings."""
    monkeypatch.chdir(tmp_path)
    for name in ("CARILLON_URL", "CARILLON_API_KEY", "CARILLON_TOKEN_SECRET", "CARILLON_STATE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_teaches_with_an_example(command):
    result = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    assert "Example: " in result.output


def test_token_uses_the_stack_above_the_present_folder(nowhere, monkeypatch):
    stack = new_stack(Ports())
    save(stack, nowhere / ".carillon")
    deeper = nowhere / "a" / "b"
    deeper.mkdir(parents=True)
    monkeypatch.chdir(deeper)
    result = CliRunner().invoke(app, ["token", "ana", "--tenant", "acme"])
    user = verify(stack.token_secret, result.output.strip())
    assert (user.id, user.tenant) == ("ana", "acme")


def test_token_without_a_secret_says_what_to_do(nowhere):
    result = CliRunner().invoke(app, ["token", "ana"])
    assert result.exit_code == 1
    assert "carillon up" in result.stderr


@pytest.mark.parametrize(
    "arguments", [[""], ["a" * 201], ["a\nb"], ["ana", "--tenant", ""], ["ana", "--tenant", "A B"]]
)
def test_no_token_is_printed_that_the_services_would_refuse(nowhere, arguments):
    result = CliRunner().invoke(app, ["token", *arguments], env={"CARILLON_TOKEN_SECRET": "x" * 32})
    assert (result.exit_code, result.stdout) == (1, "")
    assert "No service would take this token: " in result.stderr
    assert "carillon token ana" in result.stderr


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["send", "w", "--to", "ana", "--url", "127.0.0.1:9"], "'127.0.0.1:9' is no address"),
        (["send", "w", "--to", "ana", "--url", "http://127.0.0.1:9", "--key", " "], "the API key is empty"),
        (
            ["send", "w", "--to", "\udcff", "--url", "http://127.0.0.1:9", "--key", "ck_x"],
            "/recipients/0: a lone surrogate",
        ),
        (["why", "", "--url", "http://127.0.0.1:9", "--key", "ck_x"], "the notification is empty"),
    ],
)
def test_what_the_client_refuses_is_said_with_the_next_step(nowhere, command, said):
    result = CliRunner().invoke(app, command, env={"CARILLON_API_KEY": "ck_x"})
    assert result.exit_code == 1
    assert said in result.stderr
    assert "Next: " in result.stderr


def test_what_answers_instead_of_the_platform_is_said_with_the_next_step(capsys):
    async def work() -> None:
        raise UnexpectedAnswerError("GET https://a was answered 301 with Location /login", fix="name another url")

    with pytest.raises(typer.Exit):
        carried_out(work())
    assert capsys.readouterr().err == "GET https://a was answered 301 with Location /login\nNext: name another url\n"


@pytest.mark.parametrize("command", [["why", "n"], ["send", "order.shipped", "--to", "ana"]], ids=["why", "send"])
def test_without_a_platform_the_next_step_is_named(nowhere, command):
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 1
    assert "carillon up" in result.stderr


def test_without_a_key_the_next_step_is_named(nowhere):
    result = CliRunner().invoke(app, ["why", "n", "--url", "http://127.0.0.1:9"])
    assert result.exit_code == 1
    assert "carillon key create" in result.stderr


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("key: a.b\nnope: 1\n", "unknown field `nope`"),
        ("key: [\n", "broken.yaml"),
        ("key: a.b\ncategory: c\nsteps: [{key: notify, channels: [in_app]}]\n", "/templates/in_app"),
        (
            'key: a.b\ncategory: c\nsteps: [{key: notify, channels: [in_app]}]\ntemplates: {in_app: {title: "{% if %}"}}\n',
            "Liquid",
        ),
    ],
)
def test_a_broken_catalog_names_file_or_pointer_and_publishes_nothing(nowhere, content, said):
    (nowhere / "broken.yaml").write_text(content)
    result = CliRunner().invoke(app, ["catalog", "publish", str(nowhere)])
    assert result.exit_code == 1
    assert "Nothing was published" in result.stderr
    assert said in result.stderr


def test_two_files_with_one_key_are_refused(nowhere):
    for name in ("a", "b"):
        (nowhere / f"{name}.yaml").write_text("key: a.b\ncategory: c\nsteps: [{key: notify, channels: [webhook]}]\n")
    result = CliRunner().invoke(app, ["catalog", "publish", str(nowhere)])
    assert result.exit_code == 1
    assert "b.yaml:1: " in result.stderr
    assert "a.yaml has the key a.b, too" in result.stderr


def test_an_empty_folder_is_refused(nowhere):
    result = CliRunner().invoke(app, ["catalog", "publish", str(nowhere)])
    assert result.exit_code == 1
    assert "no *.yaml" in result.stderr


def test_recipients_are_ids_or_inline_people():
    assert recipient("ana") == "ana"
    assert recipient(' {"email": "b@example.com"}') == {"email": "b@example.com"}
    with pytest.raises(typer.BadParameter):
        recipient("{email: b}")
    with pytest.raises(typer.BadParameter):
        json_object("[1]")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a":NaN}', "line 1 column 6"),
        ('{"a":1,"a":2}', "the key 'a' stands twice"),
        ('{"a":9223372036854775808}', "does not fit 64 bits"),
        ('{"a":"\udcff"}', "UTF-8"),
        ('{"a":' * 40 + "1" + "}" * 40, "more than 32 levels"),
    ],
)
def test_json_that_the_platform_refuses_is_refused_readably(text, said):
    with pytest.raises(typer.BadParameter, match=said):
        json_object(text)


def test_times_need_an_offset_or_are_relative():
    assert when(None) is None
    assert when("2026-01-05T08:00:00Z") == datetime(2026, 1, 5, 8, tzinfo=UTC)
    ahead = when("+10m")
    assert ahead is not None
    assert 590 < (ahead - to_datetime(now_ms())).total_seconds() <= 600
    for wrong in ("2026-01-05T08:00:00", "tomorrow", "+10y"):
        with pytest.raises(typer.BadParameter):
            when(wrong)


def test_watching_ends_when_all_have_ended_and_waits_for_those_not_seen_yet():
    answers: dict[str, list[Any]] = {
        "a": [ProblemError(404, {"code": "unknown_notification"}), {"state": "open"}, {"state": "terminal"}],
        "b": [{"state": "terminal"}],
    }
    shown: list[dict] = []

    async def timeline(notification):
        answer = answers[notification].pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer | {"id": notification}

    found = asyncio.run(watched(timeline, ["a", "b"], 20, shown.append))
    assert [timeline["id"] for timeline in shown] == ["b", "a"]
    assert [timeline["state"] for timeline in found] == ["terminal", "terminal"]


def test_watching_is_bounded_and_shows_what_is_open():
    shown: list[dict] = []

    async def timeline(notification):
        return {"state": "open", "id": notification}

    found = asyncio.run(watched(timeline, ["a"], 0, shown.append))
    assert found == shown == [{"state": "open", "id": "a"}]


def test_watching_passes_other_refusals():
    async def timeline(notification):
        raise ProblemError(403, {"code": "missing_scope"})

    with pytest.raises(ProblemError):
        asyncio.run(watched(timeline, ["a"], 5, print))


@pytest.mark.parametrize(
    ("script", "argv", "on_path", "name"),
    [
        ("/usr/bin/carillon", ["python3", "/usr/bin/carillon", "up"], "/usr/bin/carillon", "carillon"),
        (".venv/bin/carillon", [".venv/bin/python", ".venv/bin/carillon", "up"], None, ".venv/bin/carillon"),
        (".venv/bin/carillon", ["python", ".venv/bin/carillon"], "/usr/bin/carillon", ".venv/bin/carillon"),
        ("/src/carillon/__main__.py", ["python3", "-m", "carillon", "up"], None, "python3 -m carillon"),
        ("/src/sandbox/demo/tool.py", ["python3", "tool.py"], None, "carillon"),
    ],
)
def test_hints_name_the_program_as_it_was_called(script, argv, on_path, name):
    assert as_called(script, argv, on_path) == name
