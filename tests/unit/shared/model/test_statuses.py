"""Statuses as CloudEvents."""

from __future__ import annotations

import orjson

from shared.model.statuses import Subject, status


def test_a_status_is_a_cloudevent_that_repeats_itself() -> None:
    def told(pass_: int = 1, state: str = "sent") -> dict[str, str]:
        output = status(
            "s",
            area="delivery",
            state=state,
            subject=Subject("d", 2, pass_),
            tenant="acme",
            user="ada",
            at=0,
            data={"x": 1},
        )
        assert (output.topic, output.key) == ("s", b"acme:ada")
        assert orjson.loads(output.value or b"") == {"user": "ada", "generation": 2, "pass": pass_, "x": 1}
        return {name: value.decode() for name, value in output.headers}

    assert told() == told()
    assert len({told()["ce_id"], told(pass_=2)["ce_id"], told(state="dead")["ce_id"]}) == 3
    assert {name: value for name, value in told().items() if name != "ce_id"} == {
        "ce_specversion": "1.0", "ce_source": "/carillon", "ce_type": "carillon.delivery.sent", "ce_subject": "d",
        "ce_time": "1970-01-01T00:00:00.000Z", "ce_tenant": "acme", "content-type": "application/json",
    }  # fmt: skip
