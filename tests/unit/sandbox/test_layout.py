from __future__ import annotations

import stat
from dataclasses import asdict
from pathlib import Path

import pytest

from carillon.cli.variables import setting_variables
from sandbox.kafka.node import MAX_RECORD_BYTES, server_properties
from sandbox.ports import Ports
from sandbox.restarts import FIRST_SECONDS, LONGEST_SECONDS, pause_before
from sandbox.stack import SERVICES, Phase, from_document, load, new_stack, save
from sandbox.supervision import sole_supervisor, supervisor_pid
from shared.model.topics import INTERNAL_MAX_BYTES


def test_ports_are_all_different() -> None:
    ports = Ports().table()

    assert len(set(ports.values())) == len(ports)


def test_an_offset_moves_every_port() -> None:
    moved = Ports.shifted(1000).table()

    assert moved == {name: port + 1000 for name, port in Ports().table().items()}


@pytest.mark.parametrize("offset", [50_000, -9_000])
def test_an_offset_out_of_range_names_the_ports_and_another_offset(offset: int) -> None:
    with pytest.raises(ValueError, match=r"moves .* out of 1\.\.65535; try PORT_OFFSET=1000"):
        Ports.shifted(offset)


def test_an_offset_that_meets_the_stack_without_one_is_refused() -> None:
    with pytest.raises(ValueError, match=r"would use \[8081, 8082, 8083"):
        Ports.shifted(1)


def test_every_service_has_a_health_port() -> None:
    ports = Ports()

    assert {ports.health(service) for service in SERVICES} == set(range(9100, 9109))


def test_the_stack_is_read_back_as_it_was_saved(tmp_path: Path) -> None:
    stack = new_stack(Ports())

    save(stack, tmp_path)

    assert load(tmp_path) == stack


def test_only_the_owner_may_read_the_secrets(tmp_path: Path) -> None:
    (tmp_path / "stack.json").touch(mode=0o644)

    save(new_stack(Ports()), tmp_path)

    assert stat.S_IMODE((tmp_path / "stack.json").stat().st_mode) == 0o600


def test_no_stack_was_ever_there(tmp_path: Path) -> None:
    assert load(tmp_path) is None
    assert supervisor_pid(tmp_path) is None


def test_a_file_of_a_later_version_can_be_read() -> None:
    stack = new_stack(Ports())

    assert from_document({**asdict(stack), "phase": "running", "novelty": 1}).phase is Phase.RUNNING


def test_secrets_and_key_outlive_a_move_to_other_ports() -> None:
    before = from_document({**asdict(new_stack(Ports())), "api_key": "ck_1", "pids": {"kafka": 1}})

    after = new_stack(Ports.shifted(1000), before)

    assert (after.token_secret, after.webhook_secret, after.api_key) == (
        before.token_secret,
        before.webhook_secret,
        "ck_1",
    )
    assert after.pids == {}
    assert after.kafka == "127.0.0.1:10092"
    assert after.urls["sockets"] == "ws://127.0.0.1:9082"


def test_two_stacks_have_different_secrets() -> None:
    one, other = new_stack(Ports()), new_stack(Ports())

    assert len({one.token_secret, one.webhook_secret, other.token_secret, other.webhook_secret}) == 4


def test_the_environment_is_what_the_services_read() -> None:
    stack = new_stack(Ports.shifted(1000))

    assert set(stack.environment()) <= setting_variables()


def test_one_supervisor_holds_a_folder(tmp_path: Path) -> None:
    with sole_supervisor(tmp_path), pytest.raises(BlockingIOError), sole_supervisor(tmp_path):
        pass


def test_the_lock_ends_with_its_holder(tmp_path: Path) -> None:
    with sole_supervisor(tmp_path):
        pass

    assert supervisor_pid(tmp_path) is None


def test_pauses_double_up_to_a_bound_and_are_forgotten() -> None:
    assert pause_before([], now=100) == FIRST_SECONDS
    assert pause_before([99], now=100) == 2 * FIRST_SECONDS
    assert pause_before([97, 98, 99], now=100) == 8 * FIRST_SECONDS
    assert pause_before(list(range(80, 100)), now=100) == LONGEST_SECONDS
    assert pause_before([1, 2, 3], now=100) == FIRST_SECONDS


def test_the_largest_internal_record_fits_through_the_node() -> None:
    assert MAX_RECORD_BYTES >= INTERNAL_MAX_BYTES + 65_536


def test_a_node_listens_on_loopback_only() -> None:
    listeners = str(server_properties(Path("/x"), 1, 2)["listeners"]).split(",")

    assert all("//127.0.0.1:" in listener for listener in listeners)
