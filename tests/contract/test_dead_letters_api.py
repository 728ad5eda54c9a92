"""Dead letters, redrives and the audit log over the operators' API, on MongoDB."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from fastapi import FastAPI

from services.console.app import create_api
from services.console.letters.changes import DeadLetterChanges
from services.console.letters.consumer import DeadLetterConsumer, dead_letter_topics
from services.console.letters.core.letter_row import DeadLetterRow
from services.console.letters.store import DeadLetters
from shared.model.claims import Closing
from shared.model.deliveries import DeliveryResult, DeliveryState
from shared.model.reasons import Reason
from shared.mongo import api_keys
from shared.mongo.api_keys import Scope
from shared.mongo.database import Database
from shared.mongo.erasure import erase
from shared.mongo.ledger import Ledger
from tests.support import samples as a
from tests.support.asgi import AsgiAnswer, ask_app
from tests.support.letters import TOPICS, dead_letter_record, dead_letter_row

pytestmark = pytest.mark.real
PATH = "/v1/dead-letters"
ALIVE = a.notification(expires_at=4_000_000_000_000)


class Api:
    """The app, keys of two tenants, and letters of one."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.app: FastAPI = create_api(database)
        self.keys: dict[str, str] = {}
        self.rows: list[DeadLetterRow] = []

    async def start(self) -> None:
        for name, tenant, scope in (
            ("acme", "acme", Scope.OPERATE),
            ("other", "other", Scope.OPERATE),
            ("sender", "acme", Scope.SEND),
        ):
            scopes = frozenset({scope})
            self.keys[name] = await api_keys.create(self.database, tenant=tenant, scopes=scopes, name=name)
        self.rows = [dead_letter_row(number, at=a.NOON + number, notification=ALIVE) for number in range(3)]
        await DeadLetters(self.database).insert([*self.rows, dead_letter_row(7)])

    def place(self, number: int) -> str:
        return f"{PATH}/{self.rows[number]['_id']}"

    async def ask(self, method: str, target: str, value: Any = None, *, key: str = "acme") -> AsgiAnswer:
        raw = b"" if value is None else orjson.dumps(value)
        headers = {"authorization": f"Bearer {self.keys[key]}", "content-length": str(len(raw))}
        headers |= {"content-type": "application/json"} if raw else {}
        return await ask_app(self.app, method, target, headers=headers, body=raw)

    async def carried_out(self) -> None:
        """What the redriver would have done."""
        changes = DeadLetterChanges(self.database)
        await changes.finish(await changes.redriving(100))


@pytest.fixture
async def api(database: Database) -> Api:
    found = Api(database)
    await found.start()
    return found


async def test_pages_lead_to_one_another_and_no_address_is_in_them(api: Api) -> None:
    seen: list[str] = []
    target = f"{PATH}?limit=2"
    while True:
        answer = await api.ask("GET", target)
        assert b"ada@example.com" not in answer.body
        seen += [letter["code"] for letter in answer.json()["dead_letters"]]
        if answer.json()["cursor"] is None:
            break
        target = f"{PATH}?limit=2&cursor={answer.json()['cursor']}"
    assert seen[:2] == ["c2", "c1"]
    assert sorted(seen) == ["c0", "c1", "c2", "c7"]
    groups = (await api.ask("GET", f"{PATH}/groups?code=c1")).json()["groups"]
    assert [(each["code"], each["count"]) for each in groups] == [("c1", 1)]
    shown = (await api.ask("GET", api.place(0))).json()
    assert shown["payload"]["address"] == "ada@example.com"
    assert shown["headers"] == [{"name": "traceparent", "value": "00-1"}]


async def test_nobody_else_sees_or_does_anything(api: Api) -> None:
    for method, target in (("GET", ""), ("POST", "/redrive"), ("DELETE", "")):
        answer = await api.ask(method, api.place(0) + target, key="other")
        assert (answer.status, answer.json()["code"]) == (404, "unknown_dead_letter")
        assert (await api.ask(method, api.place(0) + target, key="sender")).status == 403
    assert (await api.ask("GET", PATH, key="other")).json() == {"dead_letters": [], "cursor": None}
    assert (await api.ask("GET", "/v1/audit", key="other")).json()["entries"] == []
    assert (await DeadLetterChanges(api.database).redriving(10)) == []


@pytest.mark.parametrize(
    ("method", "target", "body", "code", "pointer"),
    [
        ("GET", f"{PATH}?channel=emial", None, "invalid_filter", "/channel"),
        ("GET", f"{PATH}?since=now", None, "invalid_filter", "/since"),
        ("GET", f"{PATH}?cursor=%00", None, "invalid_cursor", "/cursor"),
        ("GET", f"{PATH}?state=lost", None, "invalid_request", "/state"),
        ("GET", "/v1/audit?since=now", None, "invalid_filter", "/since"),
        ("POST", f"{PATH}/redrive", None, "invalid_request", ""),
        ("POST", f"{PATH}/redrive", {"filter": {"channel": "emial"}}, "invalid_filter", "/filter/channel"),
        ("POST", f"{PATH}/redrive", {"filter": {"chanel": "email"}}, "invalid_request", "/filter"),
        ("POST", f"{PATH}/redrive", {"filter": {}, "per_second": 0}, "invalid_request", "/per_second"),
        ("POST", "LETTER/redrive", {"data": []}, "invalid_request", "/data"),
        ("POST", "LETTER/redrive", {"force": 1}, "invalid_request", "/force"),
        ("POST", "LETTER/redrive", {"dat": {}}, "invalid_request", ""),
    ],
)
async def test_what_makes_no_sense_is_said_with_its_place(  # noqa: PLR0917  # a row of the table
    api: Api, method: str, target: str, body: Any, code: str, pointer: str
) -> None:
    answer = await api.ask(method, target.replace("LETTER", api.place(0)), body)
    problem = answer.json()
    assert (answer.status, problem["code"]) == (422, code)
    assert [error["pointer"] for error in problem["errors"]] == [pointer]


async def test_repeated_it_is_the_same_redrive_and_other_data_come_too_late(api: Api) -> None:
    body = {"data": {"order": "B8"}}
    planned = await api.ask("POST", f"{api.place(0)}/redrive", body | {"dry_run": True})
    assert (planned.status, planned.json()["redrive"]["edited"]) == (200, True)
    assert planned.json()["letter"]["state"] == "open"
    first = await api.ask("POST", f"{api.place(0)}/redrive", body)
    assert (first.status, first.json()["letter"]["state"]) == (202, "redriving")
    await api.carried_out()
    for again in (body, None, {"force": True}):
        answer = await api.ask("POST", f"{api.place(0)}/redrive", again)
        assert (answer.status, answer.json()["redrive"]) == (202, first.json()["redrive"])
    other = await api.ask("POST", f"{api.place(0)}/redrive", {"data": {"order": "C9"}})
    assert (other.status, other.json()["code"]) == (409, "dead_letter_redriven")
    gone = await api.ask("DELETE", api.place(0))
    assert (gone.status, gone.json()["code"]) == (409, "dead_letter_redriven")


async def test_what_has_expired_is_forced_or_left(api: Api) -> None:
    place = f"{PATH}/{dead_letter_row(7)['_id']}/redrive"
    answer = await api.ask("POST", place)
    assert (answer.status, answer.json()["code"]) == (409, "dead_letter_expired")
    assert (await api.ask("POST", place, {"force": True})).status == 202
    many = (await api.ask("POST", f"{PATH}/redrive", {"filter": {}, "dry_run": True, "per_second": 2})).json()
    assert many == {"wanted": 3, "to_redrive": 3, "expired": 0, "not_whole": 0, "seconds": 2}


async def test_a_preview_counts_what_a_redrive_would_leave(api: Api) -> None:
    part = dead_letter_row(8, notification=ALIVE)
    part["whole"] = False
    await DeadLetters(api.database).insert([part])
    body: dict[str, Any] = {"filter": {}, "dry_run": True}
    found = (await api.ask("POST", f"{PATH}/redrive", body)).json()
    assert found == {"wanted": 5, "to_redrive": 3, "expired": 1, "not_whole": 1, "seconds": 1}
    forced = (await api.ask("POST", f"{PATH}/redrive", body | {"force": True})).json()
    assert (forced["to_redrive"], forced["expired"]) == (4, 0)
    assert (await api.ask("GET", "/v1/redrives")).json() == {"redrives": []}


async def test_one_that_sent_nothing_may_go_again_and_one_that_was_sent_may_not(api: Api) -> None:
    ledger, ends = Ledger(api.database), DeliveryState.SUPPRESSED
    await api.ask("POST", f"{api.place(0)}/redrive")
    await api.ask("POST", f"{api.place(1)}/redrive")
    await api.carried_out()
    for number, state in ((0, ends), (1, DeliveryState.SENT)):
        received = a.received(id=f"d-{number}", generation=1)
        await ledger.claim([received])
        result = DeliveryResult(state=state, at=a.NOON, attempts=1, reason=Reason.MUTED)
        if state is ends:
            await ledger.close([Closing(delivery=received.delivery.id, generation=1, pass_=1, result=result)])
        else:
            await ledger.record([(received.delivery, result)])
    again = await api.ask("POST", f"{api.place(0)}/redrive")
    assert (again.status, again.json()["redrive"]["generation"]) == (202, 2)
    sent = await api.ask("POST", f"{api.place(1)}/redrive", {"force": True})
    assert (sent.json()["letter"]["state"], sent.json()["redrive"]["generation"]) == ("redriven", 1)
    assert (await api.ask("GET", api.place(1))).json()["became"]["state"] == "sent"


async def test_a_discarded_one_stays_so_and_the_log_says_who_once(api: Api) -> None:
    for _ in range(2):
        answer = await api.ask("DELETE", api.place(0))
        assert (answer.status, answer.json()["state"]) == (200, "discarded")
    again = await api.ask("POST", f"{api.place(0)}/redrive", {"force": True})
    assert (again.status, again.json()["code"]) == (409, "dead_letter_discarded")
    (entry,) = (await api.ask("GET", "/v1/audit?action=dead_letter_discarded&since=2026-01-01T00:00:00Z")).json()[
        "entries"
    ]
    assert entry["subject"] == api.rows[0]["_id"]
    assert entry["actor"] == api.keys["acme"].split("_")[1]
    assert (await api.ask("GET", "/v1/audit?action=tenant_stopped")).json()["entries"] == []


async def test_a_job_is_shown_and_cancelled_by_its_tenant_alone(api: Api) -> None:
    job = (await api.ask("POST", f"{PATH}/redrive", {"filter": {"code": "c1"}})).json()
    assert (job["state"], job["wanted"], job["filter"]) == ("running", 1, {"code": "c1"})
    assert (await api.ask("GET", f"/v1/redrives/{job['id']}", key="other")).json()["code"] == "unknown_redrive"
    assert (await api.ask("POST", f"/v1/redrives/{job['id']}/cancel", key="other")).status == 404
    assert (await api.ask("POST", f"/v1/redrives/{job['id']}/cancel")).json()["state"] == "cancelled"
    assert [each["state"] for each in (await api.ask("GET", "/v1/redrives")).json()["redrives"]] == ["cancelled"]
    pages = [await api.ask("GET", "/v1/audit?limit=1")]
    assert [entry["action"] for entry in pages[0].json()["entries"]] == ["redrive_cancelled"]
    for _ in range(10):
        await api.ask("POST", f"{PATH}/redrive", {"filter": {}})
    assert (await api.ask("POST", f"{PATH}/redrive", {"filter": {}})).json()["code"] == "too_many_redrives"


async def test_of_a_deleted_user_nothing_is_left_but_that_there_was_a_letter(api: Api) -> None:
    await erase(api.database, "acme", "ada", 1)
    late = dead_letter_record(id="d-late", notification=ALIVE)
    await api.database.profiles.insert_one({"_id": "acme:ada", "tenant": "acme", "user": "ada", "life": {"number": 1}})
    consumer = DeadLetterConsumer(DeadLetters(api.database), None, dead_letter_topics(TOPICS))  # type: ignore[arg-type]  # it is not joined
    await consumer.keep([late, dead_letter_record(id="d-now", notification=a.notification(life=1))])
    rows = {row.get("delivery"): row async for row in api.database.dead_letters.find({})}
    assert len(rows) == 6
    kept = {name for name, row in rows.items() if "value" in row}
    assert kept == {"d-now"}
    assert all(row["state"] == "discarded" for name, row in rows.items() if name != "d-now")
    answer = await api.ask("GET", api.place(0))
    assert "payload" not in answer.json()
    assert (await api.ask("POST", f"{api.place(0)}/redrive")).status == 409
