"""What a stored decision keeps is enough to ask `route` again: over all rules, and it shows when something is missing."""

from __future__ import annotations

from typing import Any

import bson
import msgspec
import pytest

from services.router.core.decision import decide
from services.router.core.inbound import InboundRecord
from services.router.decisions import decision_row
from services.router.profile_cache import UNKNOWN_USER, _snapshot
from shared.deciding.routing_input import RoutingInput
from shared.model.outputs import Coordinates
from shared.model.records import Record, decode_record, encode
from shared.mongo.database import CODEC
from tests.support.rerun import difference
from tests.unit.deciding import test_digests as digests
from tests.unit.deciding import test_rules as rules
from tests.unit.router import test_routing as before

TABLE: dict[str, RoutingInput] = {
    f"{kind}: {name}": row[0] if row[0].step is None else msgspec.structs.replace(row[0], step=str(row[0].step))
    for kind, table in (("whole", before.TABLE), ("steps", rules.TABLE), ("digests", digests.BY_TOPICS))
    for name, row in table.items()
}


def stored(inputs: RoutingInput) -> tuple[Any, Record]:
    """The row of the decision, and the record as it stands on the log."""
    about, delivery = inputs.notification, inputs.delivery
    record = Record(
        kind=inputs.event,
        tenant=about.tenant,
        user=about.user,
        subject=about.id,
        notification=None if delivery else about,
        delivery=delivery
        and msgspec.structs.replace(
            delivery, notification=about, channel=inputs.channel or delivery.channel, step=inputs.step or delivery.step
        ),
        step=inputs.step,
        channel=inputs.channel,
        digest=inputs.digest,
        cancelled=inputs.cancelled,
    )
    snapshot = UNKNOWN_USER if inputs.profile is None else _snapshot(inputs.profile)
    made = decide(InboundRecord(record, about, Coordinates("t", 0, 1)), inputs, snapshot, at=inputs.now)
    row = bson.decode(bson.encode(decision_row(made), codec_options=CODEC), codec_options=CODEC)
    return row, decode_record(encode(record))


@pytest.mark.parametrize("inputs", TABLE.values(), ids=TABLE.keys())
def test_asking_again_answers_the_same(inputs: RoutingInput) -> None:
    row, record = stored(inputs)
    assert difference(row, record, inputs.workflow) is None


@pytest.mark.parametrize("missing", ["context", "preferences"])
def test_what_is_missing_shows(missing: str) -> None:
    """The check bites: with less in the row, some answers differ."""
    differs = 0
    for inputs in TABLE.values():
        row, record = stored(inputs)
        if missing == "context":
            row.pop("context", None)
        elif row["inputs"]["known"]:
            row["inputs"] = row["inputs"] | {"preferences": {}, "mute_until": None}
        differs += difference(row, record, inputs.workflow) is not None
    assert differs >= 3
