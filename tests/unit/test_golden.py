"""What released versions wrote is read by this one, and what follows from it is what followed then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import bson
import pytest

from services.console.timeline.core.rows import StoredRows
from services.console.timeline.core.status_row import status_row
from services.console.timeline.core.timeline import build_timeline
from services.ingest.outbox import output_of
from services.router.core.expansion import StoredExpansion
from services.router.decisions import replayed
from services.router.expansions import seen_again
from shared.catalog.rows import from_row
from shared.deciding.items import Deliver, HoldUntil
from shared.model import inbox
from shared.model.claims import Claimed, Recorded, judge
from shared.model.deliveries import DeliveryState
from shared.model.profiles import from_document
from shared.model.records import Kind, decode_delivery, decode_record
from shared.mongo import inbox_rows
from shared.mongo.database import CODEC
from shared.mongo.ledger import entry_of
from tests.golden import write
from tests.support import samples as a

GOLDEN = Path(write.__file__).parent
FILES = sorted(path for path in GOLDEN.glob("*/*") if path.suffix in (".json", ".bson"))


def row_of(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = bson.decode(path.read_bytes(), CODEC)
    return found


def decision(path: Path) -> None:
    row = row_of(path)
    now = a.decision(a.routing_input())
    place = {"topic": row["topic"], "partition": row["partition"], "offset": row["offset"]}
    stored: Any = {**row, **place}
    found = replayed(now, stored)
    assert found is not None
    assert [type(item) for item in found.items] == [Deliver, HoldUntil, Deliver]
    assert build_timeline(a.ID, "acme", StoredRows(statuses=[], decisions=[row], deliveries=[], holds=[])) is not None


def expansion(path: Path) -> None:
    row: Any = row_of(path)
    now = write.event_expansion()
    found = seen_again(now, row)
    assert isinstance(found, StoredExpansion)
    assert found.workflows == (("order.shipped", 3),)


def ledger(path: Path) -> None:
    row: Any = row_of(path)
    claim = judge(entry_of(row, row["lease"]), a.delivery(), "another")
    assert isinstance(claim, Recorded if "recorded" in path.name else Claimed)
    if isinstance(claim, Recorded):
        assert claim.result.state is DeliveryState.SENT


def hold(path: Path) -> None:
    row = row_of(path)
    assert decode_record(bytes(row["record"])).kind is Kind.RELEASE
    assert "format" not in row


def status(path: Path) -> None:
    row = row_of(path)
    headers = [(name, bytes(raw)) for name, raw in row["headers"]]
    found = status_row(a.record(bytes(row["value"]), headers=headers), a.NOON)
    assert (found["type"], found["tenant"], found["user"]) == ("carillon.notification.routed", "acme", "ada")


def record(path: Path) -> None:
    found = decode_record(path.read_bytes())
    assert (found.tenant, found.user) == ("acme", "ada")
    assert str(found.kind) == path.stem.removeprefix("record-").replace("-", "_")


def outbox(path: Path) -> None:
    row: Any = row_of(path)
    assert decode_record(output_of(row).value).kind is Kind.NOTIFY


READERS: Mapping[str, Callable[[Path], object]] = {
    "record-": record,
    "delivery": lambda path: decode_delivery(path.read_bytes()).notification.data,
    "inbox-": lambda path: inbox.decode(path.read_bytes()).at,
    "status": status,
    "row-workflow": lambda path: from_row(row_of(path)).steps,  # type: ignore[arg-type]  # a row
    "row-hold": hold,
    "row-decision": decision,
    "row-expansion": expansion,
    "row-ledger-": ledger,
    "row-inbox": lambda path: inbox_rows.from_row(row_of(path)).title,  # type: ignore[arg-type]  # a row
    "row-outbox": outbox,
    "row-profile": lambda path: from_document(row_of(path)).addresses,
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_it_is_read(path: Path) -> None:
    (read,) = [read for prefix, read in READERS.items() if path.name.startswith(prefix)]
    read(path)


def test_there_is_one_of_each_kind_from_each_release() -> None:
    wanted = {*write.values(), *write.rows()}
    releases = {path.parent.name for path in FILES}
    assert "0.2.0" in releases
    assert {path.name for path in FILES if path.parent.name == "0.2.0"} == wanted


def test_what_is_written_now_says_nothing_of_its_format() -> None:
    """So rows and records of the oldest format do not grow."""
    for raw in (write.values() | write.rows()).values():
        assert b"format" not in raw
