"""Faust as docs/decisions/0002-faust.md has it: each of these settings is there because without it records are lost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from faust.types.enums import ProcessingGuarantee
from mode import CrashingSupervisor

from services.router.agents import add_agent
from services.router.app import create_app
from services.router.faust.streams import ChunkStream
from services.router.faust.transport import Transport
from services.router.progress import AgentProgress
from services.router.settings import RouterSettings
from shared.model.outputs import KafkaRecord
from shared.process.newer import NewerRecords


class Nothing:
    """Work that does none."""

    async def prepare(self, chunk: Sequence[KafkaRecord]) -> None:
        return None

    async def finish(self, prepared: None) -> None:
        return None


async def test_at_least_once_by_hand_without_tables_or_a_web_server() -> None:
    app: Any = create_app(RouterSettings())  # Faust's stubs say less than it is
    conf = app.conf
    assert conf.processing_guarantee is ProcessingGuarantee.AT_LEAST_ONCE, "exactly_once loses records at rebalances"
    assert conf.Stream is ChunkStream, "others acknowledge by themselves, also what failed"
    assert type(app.transport) is Transport, "its consumer commits nothing past what is in work"
    assert (conf.web_enabled, conf.topic_allow_declare, conf.table_standby_replicas) == (False, False, 0)
    assert conf.stream_wait_empty, "a rebalance waits for what is in work"
    assert (conf.key_serializer, conf.value_serializer) == ("raw", "raw"), (
        "Faust would acknowledge what it cannot decode"
    )
    assert conf.consumer_auto_offset_reset == "earliest"


async def test_an_agent_has_one_actor_and_its_crash_ends_the_process() -> None:
    """A restarted actor would skip what it failed at; two would acknowledge out of order."""
    app = create_app(RouterSettings())
    progress = AgentProgress("decide", ["t"])
    add_agent(app, progress, RouterSettings(), Nothing(), chunk_bytes=1, newer=NewerRecords())
    [agent] = app.agents.values()
    assert agent.supervisor_strategy is CrashingSupervisor
    assert agent.concurrency == 1
    assert agent.name == "decide"


async def test_a_router_with_a_name_is_a_static_member() -> None:
    assert create_app(RouterSettings()).conf.consumer_group_instance_id is None
    app = create_app(RouterSettings(router_instance="router-1", session_timeout_seconds=45))
    assert app.conf.consumer_group_instance_id == "router-1"
    assert app.conf.broker_session_timeout == 45
    assert app.conf.broker_heartbeat_interval * 3 <= app.conf.broker_session_timeout
