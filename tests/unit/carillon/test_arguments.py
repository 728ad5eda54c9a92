"""What the command line takes, and what it says to what it does not."""

from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner

from carillon.cli import app
from carillon.cli.send import recipients, when_or_local


def test_everything_and_a_tenant_do_not_go_together():
    """Who means all of acme must not stop everybody."""
    for command in ("stop", "resume"):
        result = CliRunner().invoke(app, [command, "--everything", "--tenant", "acme"])
        assert result.exit_code == 1
        assert "--tenant acme alone" in result.output


def test_an_audience_is_sent_to_as_it_is_and_alone():
    assert recipients(['{"topic": "news"}']) == {"topic": "news"}
    assert recipients(["ana", '{"email": "a@example.com"}']) == ["ana", {"email": "a@example.com"}]
    with pytest.raises(typer.BadParameter):
        recipients(["ana", '{"users": "all"}'])


def test_a_time_of_day_that_is_none_says_how_it_is_written():
    with pytest.raises(typer.BadParameter, match="2026-12-01 09:00"):
        when_or_local("2026-12-01 9:00")
