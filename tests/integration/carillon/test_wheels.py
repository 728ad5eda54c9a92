"""The two wheels as their users get them: each has only its own, and the client works without the platform."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import pytest

from shared.model import ids
from tests.support.env import Harness
from tests.support.wait import until

ROOT = Path(__file__).parents[3]
PACKAGES = ("carillon", "sandbox", "services", "shared")
USER = "wheel-ana"
USE_HTTP = """
import asyncio, json, sys
from carillon import *

async def main(url, console_url, key, user):
    async with AsyncClient(url, key, console_url=console_url) as carillon:
        await carillon.put_user(user, {"locale": "de", "addresses": {"email": "ana@example.com"}})
        accepted = await carillon.notify("order.shipped", [user], data={"order": "A-1", "carrier": "DHL"})
        story = {}
        while story.get("state") != "terminal":
            try:
                story = await carillon.timeline(accepted["notifications"][0]["id"])
            except ProblemError as error:
                assert error.status == 404, error  # not seen yet
            await asyncio.sleep(0.05)
        try:
            await carillon.notify("no.such.workflow", [user])
        except ClientError as error:
            refused = error.code
    try:
        KafkaClient("127.0.0.1:9092")
    except ModuleNotFoundError as error:
        missing = str(error)
    print(json.dumps({"story": story, "refused": refused, "missing": missing}))

asyncio.run(main(*sys.argv[1:]))
"""
USE_KAFKA = """
import asyncio, sys
from carillon import KafkaClient

async def main(servers, topic, user):
    data = {"order": "A-2", "carrier": "DHL", "customer_ids": [user]}
    async with KafkaClient(servers, topic=topic) as events:
        await events.send("com.example.order.shipped.v1", data, source="/wheel", subject=user, id="A-2")

asyncio.run(main(*sys.argv[1:]))
"""


@dataclass(frozen=True, kw_only=True)
class Wheels:
    client: Path
    platform: Path


def run(*argv: str | Path, cwd: Path, path: Path | None = None) -> str:
    """What a command prints; fails with its words unless it exits with 0. It finds modules in `path` and its own."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if path is not None:
        env["PYTHONPATH"] = str(path)
    done = subprocess.run([str(arg) for arg in argv], cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{argv}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def names(wheel: Path) -> set[str]:
    """The files in a wheel, its metadata aside."""
    return {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Wheels:
    folder = tmp_path_factory.mktemp("wheels")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    run(*pip, "wheel", "--no-deps", "--wheel-dir", folder, ROOT / "carillon", ROOT, cwd=folder)
    (client,) = folder.glob("carillon_client-*.whl")
    (platform,) = folder.glob("carillon_platform-*.whl")
    return Wheels(client=client, platform=platform)


def test_each_file_is_in_one_of_the_wheels(wheels):
    client, platform = names(wheels.client), names(wheels.platform)
    sources = {str(path.relative_to(ROOT)) for package in PACKAGES for path in (ROOT / package).rglob("*.py")}
    assert client & platform == set()
    assert sources - (client | platform) == set()
    assert {name.split("/")[0] for name in client} == {"carillon"}
    assert not [name for name in client if name.startswith(("carillon/cli/", "carillon/__main__"))]
    assert {"sandbox/kafka/pom.xml", "carillon/cli/__init__.py", "carillon/__main__.py"} <= platform
    assert "carillon/py.typed" in client


def test_the_metadata_has_license_and_page(wheels):
    for wheel in (wheels.client, wheels.platform):
        files = ZipFile(wheel)
        (metadata,) = (files.read(name).decode() for name in files.namelist() if name.endswith("/METADATA"))
        assert "License-Expression: Apache-2.0\nLicense-File: LICENSE\n" in metadata
        assert metadata.partition("\n\n")[2].strip().startswith("# ")
        assert [name for name in files.namelist() if name.endswith("/licenses/LICENSE")]


def test_both_can_be_installed_together(wheels, tmp_path):
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--no-deps")
    target = tmp_path / "both"
    run(*pip, "--target", target, wheels.client, wheels.platform, cwd=tmp_path)
    code = "import carillon, carillon.cli, services; print(carillon.AsyncClient, carillon.__file__, services.__file__)"
    assert run(sys.executable, "-c", code, cwd=tmp_path, path=target).count(str(target)) == 2
    assert "open notification platform" in run(sys.executable, "-m", "carillon", "--help", cwd=tmp_path, path=target)


async def test_the_client_alone_uses_a_platform(wheels, tmp_path, product: Harness):
    python = tmp_path / "venv" / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check")
    install = (*pip, "--quiet", "install", "--constraint", ROOT / "constraints.txt")

    def install_client(extra: str = "") -> set[str]:
        """The names of what is in the virtualenv with it."""
        run(*install, f"{wheels.client}{extra}", cwd=tmp_path)
        return {row["name"].lower() for row in json.loads(run(*pip, "list", "--format", "json", cwd=tmp_path))}

    await asyncio.to_thread(run, sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv", cwd=tmp_path)
    installed = await asyncio.to_thread(install_client)
    assert {"carillon-client", "aiohttp", "orjson", "stamina"} <= installed
    assert not installed & {"carillon-platform", "aiokafka", "fastapi", "faust-streaming", "motor", "pydantic", "typer"}
    (site,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    assert not {path.name for path in site.iterdir()} & {"sandbox", "services", "shared"}

    key = await product.api_key()
    where = (product.url("ingest"), product.url("console"), key, USER)
    found = json.loads(await asyncio.to_thread(run, python, "-c", USE_HTTP, *where, cwd=tmp_path))
    assert {row["channel"]: row["state"] for row in found["story"]["channels"]}["email"] == "sent"
    assert found["refused"] == "unknown_workflow"
    assert "pip install 'carillon-client[kafka]'" in found["missing"]

    assert "aiokafka" in await asyncio.to_thread(install_client, "[kafka]")
    topics = product.names.topics
    await asyncio.to_thread(
        run, python, "-c", USE_KAFKA, product.names.brokers.kafka, topics.events, USER, cwd=tmp_path
    )
    event_id = ids.event_id("default", "/wheel", "A-2")
    path = f"/v1/notifications/{ids.notification_id(event_id, 'order.shipped', USER)}/timeline"

    async def ended() -> bool:
        async with product.client() as http, http.get(product.url("console") + path) as answer:
            return answer.status == 200 and (await answer.json())["state"] == "terminal"

    await until(ended, what="what was sent by KafkaClient has ended")
