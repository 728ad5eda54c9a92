"""Every peer and floor can be loaded: what a benchmark starts is not left behind by a change of the product."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

import bench.peers

NAMES = sorted(path.stem for path in Path(bench.peers.__path__[0]).glob("*.py") if path.stem != "__init__")


@pytest.mark.parametrize("name", NAMES)
def test_it_loads(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("INGEST_PORT", "SOCKET_PORT", "GATEWAY_PORT"):
        monkeypatch.setenv(f"CARILLON_{variable}", "0")
    monkeypatch.setenv("CARILLON_TOKEN_SECRET", "t" * 40)
    import_module(f"bench.peers.{name}")
