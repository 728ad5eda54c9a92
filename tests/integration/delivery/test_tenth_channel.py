"""A channel is a folder, a row and a manifest: one more is added to a copy of the tree and sends."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from sandbox.process import ROOT
from tests.support.brokers import Brokers
from tests.support.env import Harness, Names
from tests.support.wait import until

MEMBER = """\
    PAGER = "pager"
"""
TEXTS_AND_ADDRESS = '''\
class PagerTemplate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The line that a pager shows."""

    line: str | dict[str, str]


def check_pager(value: str, pointer: str) -> str:
    """A number and the gateway that reaches it. Raises InvalidProfile."""
    from shared.model.errors import InvalidProfile

    if not value.partition("@")[0].isdigit():
        raise InvalidProfile("invalid_recipient", "write number@host:port", pointer)
    return value


'''
ROW = """\
    Channel.PAGER: ChannelSpec(
        address=AddressKind(name="pager", check=check_pager, schema={"type": "string"}, example="7@127.0.0.1:80"),
        noisy=True,
        template=PagerTemplate,
    ),
"""
OPENS = '''\
"""The pager channel."""

from __future__ import annotations

import aiohttp

from services.delivery.accounts import Providers
from services.delivery.channels.channel import ChannelContext
from services.delivery.channels.sending import SendingChannel
from services.delivery.core.attempts import Failed, Outcome, Sent
from services.delivery.rendering.liquid import context, render
from shared.model.deliveries import Delivery
from shared.model.workflows import Workflow


class PagerSender:
    async def send(self, delivery: Delivery, workflow: Workflow, send_before: float) -> Outcome | None:
        number, _, gateway = delivery.address.partition("@")
        line = render(workflow.templates.pager.line, delivery.locale, context(delivery))
        headers = {"x-delivery": delivery.id}
        async with aiohttp.ClientSession() as session:
            async with session.post(f"http://{gateway}/hooks/{number}", data=line.encode(), headers=headers) as answer:
                return Sent() if answer.status == 204 else Failed(code=str(answer.status))

    async def close(self) -> None:
        pass


def open_channel(context: ChannelContext) -> SendingChannel:
    return SendingChannel(context, Providers(context.channel, {"pager": PagerSender()}))
'''
FOLDER = "services/delivery/channels/pager"
TABLE = "shared/model/channels.py"
MANIFEST = "deploy/k8s/base/delivery-pager.yaml"
LISTING = "deploy/k8s/base/kustomization.yaml"


def tracked(root: Path) -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        check=True,
    )
    return [name for name in listed.stdout.decode().split("\0") if name and (root / name).is_file()]


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def insert(path: Path, text: str, *, before: str | None = None, after: str | None = None) -> None:
    """Adds whole lines next to the only line that starts so."""
    lines = path.read_text().splitlines(keepends=True)
    (at,) = [number for number, line in enumerate(lines) if line.startswith(before or after or "")]
    lines.insert(at if before else at + 1, text)
    path.write_text("".join(lines))


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this tree with a channel more."""
    root = tmp_path_factory.mktemp("copy") / "carillon"
    for name in tracked(ROOT):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, root / name)
    before = contents(root)

    (root / FOLDER).mkdir()
    (root / FOLDER / "__init__.py").touch()
    (root / FOLDER / "channel.py").write_text(OPENS)
    insert(root / TABLE, TEXTS_AND_ADDRESS, before="class Channel(StrEnum)")
    insert(root / TABLE, MEMBER, after="    WEBHOOK = ")
    insert(root / TABLE, ROW, after="    Channel.WEBHOOK: ")
    like = (root / "deploy/k8s/base/delivery-chat.yaml").read_text()
    (root / MANIFEST).write_text(like.replace("chat", "pager"))
    insert(root / LISTING, "  - delivery-pager.yaml\n", after="  - delivery-email.yaml")

    after = contents(root)
    assert after.keys() - before.keys() == {f"{FOLDER}/__init__.py", f"{FOLDER}/channel.py", MANIFEST}
    assert {name for name in before if before[name] != after[name]} == {TABLE, LISTING}
    return root


@pytest.fixture
async def product(shared_brokers: Brokers, tree: Path, tmp_path: Path) -> AsyncIterator[Harness]:
    mark = uuid4().hex[:10]
    made = Harness(Names(brokers=shared_brokers, prefix=f"t-{mark}", database=f"t_{mark}"), tmp_path, tree)
    try:
        yield made
    finally:
        made.kill()


async def python(tree: Path, env: dict[str, str], *arguments: str) -> None:
    """Runs the copy's code to its end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, cwd=tree, env={**os.environ, **env, "PYTHONPATH": str(tree)},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()


def workflow(tree: Path, folder: Path) -> Path:
    """A workflow that pages, its step as another workflow's."""
    (step, *_) = yaml.safe_load((tree / "catalog/chat/friend_request.yaml").read_text())["steps"]
    document = {
        "key": "tests.page",
        "category": "tests",
        "steps": [step | {"channels": ["pager"]}],
        "templates": {"pager": {"line": "Number {{ data.n }} for {{ user.name }}"}},
    }
    folder.mkdir()
    (folder / "page.yaml").write_text(yaml.safe_dump(document))
    return folder


async def test_its_manifest_is_accepted(tree: Path) -> None:
    await python(tree, {}, "-m", "pytest", "-q", "tests/unit/deploy")


async def test_it_sends(product: Harness, tree: Path, tmp_path: Path) -> None:
    env = product.env()
    await asyncio.gather(
        python(tree, env, "-m", "carillon", "topics", "create"), python(tree, env, "-m", "carillon", "migrate")
    )
    await python(tree, env, "-m", "carillon", "catalog", "publish", str(workflow(tree, tmp_path / "catalog")))
    await product.start("sink", "ingest", "router", "delivery", CARILLON_DELIVERY_CHANNELS="pager")
    gateway = f"127.0.0.1:{product.ports['sink']}"

    refused = await product.call("PUT", "/v1/users/ana", json={"addresses": {"pager": "x"}}, expect=422)
    assert [error["pointer"] for error in refused["errors"]] == ["/addresses/pager"]
    await product.call("PUT", "/v1/users/ana", json={"name": "Ana", "addresses": {"pager": f"7@{gateway}"}})
    people = ["ana", {"pager": f"8@{gateway}", "name": "Bo"}]
    await product.call(
        "POST", "/v1/notifications", json={"workflow": "tests.page", "recipients": people, "data": {"n": 9}}
    )

    async def lines() -> dict[str, str] | None:
        found: list[Any] = (await product.call("GET", "/messages?kind=webhook", service="sink"))["messages"]
        return {message["to"][0]: message["body"] for message in found} if len(found) >= len(people) else None

    assert await until(lines, what="both pages") == {"7": "Number 9 for Ana", "8": "Number 9 for Bo"}
