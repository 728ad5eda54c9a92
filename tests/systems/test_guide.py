"""`docs/guides/your-own-system.md`, run as it stands: its files written, its commands run, what it shows looked for."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from sandbox.process import ROOT
from tests.support.env import Harness
from tests.support.wait import until

GUIDE = ROOT / "docs" / "guides" / "your-own-system.md"
BLOCK = re.compile(r"(?:^`(?P<file>[^`\n]+)`:\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)


async def run(script: str, folder: Path, env: dict[str, str]) -> tuple[int | None, str]:
    python = shlex.quote(sys.executable)
    words = f'set -euo pipefail\ncarillon() {{ {python} -m carillon "$@"; }}\npython() {{ {python} "$@"; }}\n{script}'
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", words, cwd=folder, env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await process.communicate()
    return process.returncode, out.decode()


@pytest.mark.timeout(300)
async def test_a_sixth_system_stands_as_the_page_says(product: Harness, stack: dict[str, Any], tmp_path: Path) -> None:
    urls = stack["urls"]
    env = (
        dict(os.environ)
        | product.env()
        | {
            "CARILLON_URL": urls["ingest"],
            "CARILLON_CONSOLE_URL": urls["console"],
            "CARILLON_API_KEY": stack["api_key"],
            "CARILLON_STATE": str(tmp_path / "none"),
            "PYTHONPATH": str(ROOT),
        }
    )
    blocks = [found.groupdict() for found in BLOCK.finditer(GUIDE.read_text())]
    assert sum(block["language"] == "sh" for block in blocks) >= 6
    for block, following in zip(blocks, [*blocks[1:], None], strict=True):
        if block["file"]:
            path = tmp_path / block["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block["text"])
        elif block["language"] == "sh":
            script = block["text"].replace("http://127.0.0.1:8080", urls["ingest"])
            shows = following["text"].splitlines() if following and following["language"] == "text" else []
            await _shows(script, shows, tmp_path, env)
        else:
            assert block["language"] == "text", block


async def _shows(script: str, wanted: list[str], folder: Path, env: dict[str, str]) -> None:
    said = ""

    async def all_of_it() -> bool:
        nonlocal said
        code, said = await run(script, folder, env)
        assert code == 0, said
        return all(line in said for line in wanted)

    try:
        await until(all_of_it, what=f"{wanted} after {script}")
    except AssertionError as error:
        raise AssertionError(f"{error}\n{said}") from error
