"""The modes of the HTTP binding as clients use them: what needs no type, what is JSON, what is an event as it stands."""

from __future__ import annotations

from codecs import BOM_UTF8

import orjson
import pytest

from services.ingest.admission import Admission
from services.ingest.events_api import read_events
from shared.http.problems import Problem
from shared.model.errors import InvalidEvent
from shared.model.event_codecs import STRUCTURED
from shared.model.events import Event
from shared.mongo.api_keys import Scope
from tests.support.twins.api_keys import MemoryApiKeys
from tests.unit.ingest.scenes import limits, request

BINARY = {"ce_specversion": "1.0", "ce_id": "1", "ce_source": "/shop", "ce_type": "order.shipped"}
WHOLE = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "order.shipped", "data": {"order": 7}}


async def admitted(body: bytes = b"", *, takes: tuple[str, ...] = (STRUCTURED, "+json"), **headers: str) -> bytes:
    keys = MemoryApiKeys()
    key = await keys.create(tenant="acme", scopes=frozenset({Scope.SEND}))
    length = {"content_length": str(len(body))} if body else {}
    asked = request(body, authorization=f"Bearer {key}", **length, **headers)
    return (
        await Admission(keys, limits=limits(), prepare_seconds=0.5).post(asked, Scope.SEND, *takes, may_be_empty=True)
    ).raw


async def test_without_data_no_type_is_needed() -> None:
    assert await admitted(**BINARY) == b""
    ((event,), batch) = read_events(request(**BINARY), b"")
    assert isinstance(event, Event)
    assert (event.data, batch, event.attributes.get("datacontenttype")) == (b"null", False, None)
    with pytest.raises(Problem) as refused:
        await admitted(b"{}", **BINARY)
    assert refused.value.code == "unsupported_media_type"


async def test_json_by_its_suffix_is_json() -> None:
    vendor = {"content_type": "application/vnd.shop+json; charset=utf-8"}
    assert await admitted(b"{}", **BINARY, **vendor) == b"{}"
    ((event,), _) = read_events(request(**BINARY, **vendor), b"{}")
    assert isinstance(event, Event)
    assert event.attributes["datacontenttype"] == "application/vnd.shop+json; charset=utf-8"
    with pytest.raises(Problem):
        await admitted(b"{}", content_type="application/vnd.shop+xml")


def test_an_event_as_plain_json_is_an_event() -> None:
    plain = request(content_type="application/json")
    (found, batch) = read_events(plain, orjson.dumps(WHOLE))
    assert (batch, [event.data for event in found if isinstance(event, Event)]) == (False, [b'{"order":7}'])
    (found, batch) = read_events(plain, orjson.dumps([WHOLE]))
    assert (batch, [event.id for event in found if isinstance(event, Event)]) == (True, ["1"])


@pytest.mark.parametrize("body", [{"order": 7}, [], ["x"], 7, [{"order": 7}]])
def test_data_without_attributes_is_no_event(body: object) -> None:
    (found, _) = read_events(request(content_type="application/json"), orjson.dumps(body))
    (error,) = found
    assert isinstance(error, InvalidEvent)
    assert error.code == "missing_attribute"
    assert "ce-" in error.detail


async def test_a_byte_order_mark_is_no_part_of_the_data() -> None:
    json = {"content_type": "application/json"}
    assert await admitted(BOM_UTF8 + b"{}", **json) == b"{}"
    for asked, raw in (
        (request(**BINARY, **json), BOM_UTF8 + b'{"order":7}'),
        (request(content_type=STRUCTURED), BOM_UTF8 + orjson.dumps(WHOLE)),
    ):
        ((event,), _) = read_events(asked, raw)
        assert isinstance(event, Event)
        assert event.data == b'{"order":7}'
