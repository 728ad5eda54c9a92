"""`carillon token` and `carillon key`: the credentials of users and of producers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from carillon.cli import target
from carillon.cli.options import DEFAULT_STATE, State
from carillon.cli.program import program

if TYPE_CHECKING:
    from shared.process.settings import Settings

keys = typer.Typer(help="API keys of producers and operators: create, list, revoke.", no_args_is_help=True)

Tenant = Annotated[str, typer.Option(help="The tenant it belongs to.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
MIN_SECRET = 32


def token(
    user: Annotated[str, typer.Argument(help="The user id it stands for.")],
    tenant: Tenant = "default",
    ttl: Annotated[int, typer.Option(min=1, max=30 * 86_400, help="Seconds until it expires.")] = 3600,
    secret: Annotated[
        str | None, typer.Option(envvar="CARILLON_TOKEN_SECRET", help="The gateway's; the local stack's when left out.")
    ] = None,
    state: State = DEFAULT_STATE,
) -> None:
    """Print a user's token (JWT) for the inbox API and the sockets.

    Example: curl -H "Authorization: Bearer $(carillon token ana)" http://127.0.0.1:8081/api/v1/notifications
    """
    from shared.http.tokens import mint
    from shared.model.errors import Invalid
    from shared.model.identifiers import check_tenant, check_user_id
    from shared.process.clock import now_ms

    try:
        check_user_id(user, "/user")
        check_tenant(tenant)
    except Invalid as error:
        target.fail(f"No service would take this token: {error.detail}.", f"{program()} token ana --tenant default")
    stack = target.find_stack(state)
    secret = secret or (stack.token_secret if stack else None)
    if secret is None:
        target.fail(
            "There is no secret to sign with.", f"{program()} up, or set CARILLON_TOKEN_SECRET as the gateway has it"
        )
    if len(secret) < MIN_SECRET:
        target.fail(f"The secret is shorter than {MIN_SECRET} characters.", "use the one that the gateway has")
    typer.echo(mint(secret, tenant=tenant, user=user, now=now_ms() // 1000, ttl_seconds=ttl))


@keys.command("create")
def create_key(
    name: Annotated[str, typer.Option(help="What it is for; shown by `carillon key list`.")],
    scope: Annotated[list[str], typer.Option(help="send, users, operate, admin or pull; repeat for several.")],
    tenant: Tenant = "default",
    *,
    test: Annotated[
        bool, typer.Option("--test", help="What it sends is simulated, or goes where the tenant's `staging` lets it.")
    ] = False,
    state: State = DEFAULT_STATE,
) -> None:
    """Create a key and print it once: only its hash is stored.

    Example: carillon key create --name shop --scope send --scope users
    """
    from shared.mongo import api_keys
    from shared.mongo.database import open_database

    unknown = set(scope) - set(api_keys.Scope)
    if unknown:
        target.fail(f"There is no scope {min(unknown)!r}.", f"--scope with one of: {', '.join(api_keys.Scope)}")
    scopes = frozenset(map(api_keys.Scope, scope))

    async def create(settings: Settings) -> str:
        async with open_database(settings.mongo, settings.mongo_database) as database:
            return await api_keys.create(database, tenant=tenant, scopes=scopes, name=name, test=test)

    typer.echo(target.carried_out(create(target.settings(state))))
    typer.echo("Keep it: it cannot be shown again.", err=True)


@keys.command("list")
def list_keys(tenant: Tenant = "default", json_: Json = False, state: State = DEFAULT_STATE) -> None:
    """Show a tenant's keys; never their secrets.

    Example: carillon key list --tenant default
    """
    from rich.console import Console
    from rich.table import Table

    rows = target.carried_out(_rows(target.settings(state), tenant))
    if json_:
        typer.echo(json.dumps(rows))
        return
    table = Table("key", "name", "scopes", "created", "state", box=None)
    for row in rows:
        state_word = "revoked" if row["revoked"] else "active"
        table.add_row(
            f"ck_{'test_' if row['test'] else ''}{row['id']}_…",
            row["name"],
            " ".join(row["scopes"]),
            row["created_at"],
            state_word,
        )
    Console().print(table)


@keys.command("revoke")
def revoke_key(
    key: Annotated[str, typer.Argument(help="The key, or its id as `carillon key list` shows it.")],
    tenant: Tenant = "default",
    state: State = DEFAULT_STATE,
) -> None:
    """End a key. Services forget it within 30 s.

    Example: carillon key revoke ck_0123456789ab
    """
    from shared.mongo.database import open_database
    from shared.mongo.errors import mongo_border

    key_id = key.removeprefix("ck_").removeprefix("test_").partition("_")[0]

    async def revoke(settings: Settings) -> bool:
        async with open_database(settings.mongo, settings.mongo_database) as database:
            with mongo_border():
                found = await database.api_keys.update_one(
                    {"_id": key_id, "tenant": tenant}, {"$set": {"revoked": True}}
                )
            return bool(found.matched_count)

    if not target.carried_out(revoke(target.settings(state))):
        target.fail(f"The tenant {tenant} has no key {key_id}.", f"{program()} key list --tenant {tenant}")
    typer.echo(f"ck_{key_id} is revoked; services forget it within 30 s")


async def _rows(settings: Settings, tenant: str) -> list[dict[str, Any]]:
    from shared.mongo.database import open_database
    from shared.mongo.errors import mongo_border

    async with open_database(settings.mongo, settings.mongo_database) as database:
        with mongo_border():
            found = database.api_keys.find({"tenant": tenant}, {"hash": 0}).sort("created_at", 1)
            return [
                {
                    "id": row["_id"],
                    "name": row["name"],
                    "scopes": row["scopes"],
                    "created_at": row["created_at"].isoformat(timespec="seconds"),
                    "revoked": row["revoked"],
                    "test": row.get("test", False),
                }
                async for row in found
            ]
