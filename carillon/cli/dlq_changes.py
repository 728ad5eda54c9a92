"""`carillon dlq redrive` and `carillon dlq discard`: what somebody wants of dead letters."""

from __future__ import annotations

import json
import time
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import typer

from carillon.cli import target
from carillon.cli.letters import (
    PATH,
    ConsoleCalls,
    LetterChannel,
    LetterCode,
    LetterJson,
    LetterReason,
    LetterSince,
    LetterUntil,
    LetterUser,
    LetterWorkflow,
    chosen,
)
from carillon.cli.options import DEFAULT_STATE, State
from carillon.cli.program import program

LetterIds = Annotated[list[str] | None, typer.Argument(help="Their ids, as `carillon dlq list` shows them.")]
AllOpen = Annotated[bool, typer.Option("--all", help="Every open one.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]
LOOK_SECONDS = 0.5


def redrive(
    letters: LetterIds = None,
    *,
    channel: LetterChannel = None,
    code: LetterCode = None,
    reason: LetterReason = None,
    workflow: LetterWorkflow = None,
    user: LetterUser = None,
    since: LetterSince = None,
    until: LetterUntil = None,
    all_: AllOpen = False,
    data: Annotated[
        str | None, typer.Option(help="Of one letter: send these data, a JSON object, instead. It is recorded.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Those as well that have expired, or that another channel has.")
    ] = False,
    per_second: Annotated[
        int, typer.Option(min=1, max=1000, help="Of those that a filter finds, at most so many.")
    ] = 50,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Show how far it is until it is done.")] = True,
    dry_run: DryRun = False,
    json_: LetterJson = False,
    console_url: target.ConsoleUrl = None,
    url: target.Url = None,
    key: target.Key = None,
    state: State = DEFAULT_STATE,
) -> None:
    """Send dead letters again under the same ids: those that are named, or all open ones that a filter finds.

    Each is decided anew, so opt-outs, quiet hours and new addresses count. Repeated, or killed in the middle, it is
    sent once.

    Example: carillon dlq redrive --channel email --code 550 --per-second 20 --dry-run
    """
    wanted = chosen(channel=channel, code=code, reason=reason, workflow=workflow, user=user, since=since, until=until)
    _one_way(letters, wanted, all_=all_, what="redrive")
    calls = ConsoleCalls(state, url, console_url, key)
    if letters:
        body: dict[str, Any] = {"force": force, "dry_run": dry_run}
        if data is not None:
            from carillon.cli.send import json_object

            if len(letters) > 1:
                target.fail("Nothing was sent: --data is for one letter.", f"{program()} dlq redrive LETTER --data …")
            body["data"] = json_object(data)
        for letter in dict.fromkeys(letters):
            found = calls.do("POST", f"{PATH}/{quote(letter, safe='')}/redrive", body)
            _say(found, json_=json_)
        return
    body = {"filter": wanted, "force": force, "per_second": per_second, "dry_run": dry_run}
    found = calls.do("POST", f"{PATH}/redrive", body)
    if dry_run:
        _say_preview(found, json_=json_)
    else:
        _follow(calls, found, wait=wait, json_=json_)


def redrives(
    job: Annotated[str | None, typer.Argument(help="Its id; without one: the newest.")] = None,
    *,
    cancel: Annotated[bool, typer.Option("--cancel", help="It looks at no further letter.")] = False,
    json_: LetterJson = False,
    console_url: target.ConsoleUrl = None,
    url: target.Url = None,
    key: target.Key = None,
    state: State = DEFAULT_STATE,
) -> None:
    """Show redrives of many, how far each is, and end one.

    Example: carillon dlq redrives 5b1c2a3e-0d55-5f0e-9d3f-2b1f5f0a7c11 --cancel
    """
    calls = ConsoleCalls(state, url, console_url, key)
    if job is None:
        if cancel:
            target.fail("Which redrive?", f"{program()} dlq redrives shows them")
        found = calls.do("GET", "/v1/redrives")["redrives"]
    else:
        place = f"/v1/redrives/{quote(job, safe='')}"
        found = [calls.do("POST", f"{place}/cancel") if cancel else calls.do("GET", place)]
    if json_:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    for each in found:
        typer.echo(_progress(each))


def discard(
    letters: LetterIds = None,
    *,
    channel: LetterChannel = None,
    code: LetterCode = None,
    reason: LetterReason = None,
    workflow: LetterWorkflow = None,
    user: LetterUser = None,
    since: LetterSince = None,
    until: LetterUntil = None,
    all_: AllOpen = False,
    dry_run: DryRun = False,
    console_url: target.ConsoleUrl = None,
    url: target.Url = None,
    key: target.Key = None,
    state: State = DEFAULT_STATE,
) -> None:
    """Say that nobody wants dead letters sent any more: those that are named, or all open ones that a filter finds.

    Example: carillon dlq discard --workflow order.shipped --until 30d --dry-run
    """
    wanted = chosen(channel=channel, code=code, reason=reason, workflow=workflow, user=user, since=since, until=until)
    _one_way(letters, wanted, all_=all_, what="discard")
    calls = ConsoleCalls(state, url, console_url, key)
    named = list(dict.fromkeys(letters or ())) or _all_of(calls, wanted)
    for letter in () if dry_run else named:
        calls.do("DELETE", f"{PATH}/{quote(letter, safe='')}")
    typer.echo(f"{len(named)} {'would be discarded' if dry_run else 'discarded'}")


def _one_way(letters: list[str] | None, wanted: dict[str, str], *, all_: bool, what: str) -> None:
    """Exits unless letters are named, or a filter is given, or all are meant."""
    if [bool(letters), bool(wanted), all_].count(True) != 1:
        target.fail("Which letters?", f"{program()} dlq {what} LETTER …, or --channel, --code …, or --all")


def _all_of(calls: ConsoleCalls, wanted: dict[str, str]) -> list[str]:
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        query = wanted | {"limit": "500"} | ({"cursor": cursor} if cursor else {})
        page = calls.do("GET", f"{PATH}?{urlencode(query)}")
        found += [letter["id"] for letter in page["dead_letters"]]
        cursor = page["cursor"]
    return found


def _say(found: dict[str, Any], *, json_: bool) -> None:
    if json_:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    letter, redrive = found["letter"], found["redrive"]
    how = "would be sent again" if found["dry_run"] else "is sent again"
    edited = ", with other data" if redrive.get("edited") else ""
    typer.echo(f"{letter['id']} {how} by {letter['channel']}{edited}: generation {redrive['generation']}")
    if not found["dry_run"]:
        typer.echo(f"  {program()} why {letter.get('notification', '-')} says what becomes of it")


def _say_preview(found: dict[str, Any], *, json_: bool) -> None:
    if json_:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    typer.echo(
        f"{found['to_redrive']} of {found['wanted']} would be sent again, within {found['seconds']} s; "
        f"{found['expired']} have expired, {found['not_whole']} are not whole"
    )


def _follow(calls: ConsoleCalls, job: dict[str, Any], *, wait: bool, json_: bool) -> None:
    """The job until it has ended; it goes on, whatever becomes of this command."""
    shown = ""
    while wait and job["state"] == "running":
        if not json_ and _progress(job) != shown:
            shown = _progress(job)
            typer.echo(shown, err=True)
        time.sleep(LOOK_SECONDS)
        job = calls.do("GET", f"/v1/redrives/{job['id']}")
    typer.echo(json.dumps(job, ensure_ascii=False) if json_ else _progress(job))


def _progress(job: dict[str, Any]) -> str:
    left = f"{job['expired']} expired, {job['not_whole']} not whole"
    return f"{job['id']} {job['state']}: {job['redriven']} of {job['wanted']} sent again, {left}"
