"""Where a command goes: its options, else CARILLON_* variables, else the local stack found upward from here."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

from carillon.cli.program import program

if TYPE_CHECKING:
    from carillon.client import AsyncClient
    from sandbox.stack import Stack
    from shared.process.settings import Settings

T = TypeVar("T")
S = TypeVar("S", bound="Settings")

Url = Annotated[
    str | None, typer.Option(envvar="CARILLON_URL", help="Where ingest answers; the local stack's when left out.")
]
ConsoleUrl = Annotated[
    str | None,
    typer.Option(envvar="CARILLON_CONSOLE_URL", help="Where the console answers, when that is not --url."),
]
Key = Annotated[
    str | None, typer.Option(envvar="CARILLON_API_KEY", help="An API key; the local stack's when left out.")
]


def find_stack(state: Path) -> Stack | None:
    """The local stack of `state` in this folder or the nearest one above it; None where there is none."""
    from sandbox.stack import UnreadableStack, load

    here = Path.cwd()
    for folder in (here, *here.parents):
        try:
            stack = load(folder / state)
        except UnreadableStack as error:
            typer.echo(error, err=True)
            raise typer.Exit(1) from error
        if stack is not None:
            return stack
    return None


def settings(state: Path) -> Settings:
    """Kafka and MongoDB, as `settings_of` finds them."""
    from shared.process.settings import Settings

    return settings_of(state, Settings)


def settings_or_none(state: Path) -> Settings | None:
    """The same; None where nothing says where MongoDB is."""
    from shared.process.settings import PREFIX

    named = {f"{PREFIX}MONGO", f"{PREFIX}SECRETS_DIR"} & os.environ.keys()
    return settings(state) if named or find_stack(state) is not None else None


def settings_of(state: Path, kind: type[S]) -> S:
    """From the environment; what it leaves open comes from the local stack, if there is one.

    Exits with every error at once.
    """
    from shared.process.settings import PREFIX, load

    stack = None if f"{PREFIX}SECRETS_DIR" in os.environ else find_stack(state)
    for name, value in stack.environment().items() if stack else ():
        os.environ.setdefault(name, value)
    return load(kind)


def client(state: Path, url: str | None, console_url: str | None, key: str | None) -> AsyncClient:
    """A client of the platform that is meant. Exits with the next step when none is."""
    from carillon.client import AsyncClient

    stack = find_stack(state)
    if url is None and stack is not None:
        url, console_url = stack.urls["ingest"], console_url or stack.urls["console"]
        key = key or stack.api_key
    if url is None:
        fail("There is no platform to talk to.", f"{program()} up, or name one: --url https://… --key ck_…")
    if key is None:
        fail(f"There is no API key for {url}.", f"{program()} key create --name me --scope send, then --key ck_…")
    with checked_arguments("check --url, --console-url and --key"):
        return AsyncClient(url, key, console_url=console_url)


@contextmanager
def checked_arguments(next_step: str) -> Iterator[None]:
    """Exits with a readable line for what the client refuses before it sends anything."""
    try:
        yield
    except ValueError as error:
        fail(f"Nothing was sent: {error}", next_step)


def fail(why: str, next_step: str) -> NoReturn:
    """Say why on stderr, and what to do next; exits 1."""
    typer.echo(f"{why}\nNext: {next_step}", err=True)
    raise typer.Exit(1)


def carried_out(work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`; exits with a readable line when Kafka, MongoDB or the platform does not answer, or rejects it."""
    import stamina.instrumentation

    from carillon.errors import ProblemError, UnexpectedAnswerError, UnreachableError
    from shared.model.errors import KafkaUnavailable, MongoUnavailable

    stamina.instrumentation.set_on_retry_hooks([])  # stdout is the command's
    try:
        return asyncio.run(work)
    except KafkaUnavailable as error:
        fail(f"Kafka does not answer: {error}", f"check CARILLON_KAFKA; is the stack up? {program()} status")
    except MongoUnavailable as error:
        fail(f"MongoDB does not answer: {error}", f"check CARILLON_MONGO; is the stack up? {program()} status")
    except UnreachableError as error:
        fail(str(error), f"is the stack up? {program()} status")
    except UnexpectedAnswerError as error:
        fail(error.detail, error.fix)
    except ProblemError as error:
        lines = [f"{error.status} {error.code}: {error.detail}"]
        lines += [f"  {pointer or '/'}: {detail}" for pointer, detail in error.errors]
        fail("\n".join(lines), error.fix or "see docs/api.md")
