"""The OpenAPI document is whole, and what it shows as examples is accepted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from services.ingest.app import create_app
from services.ingest.models.audiences import SubscribeRequest, UnsubscribeRequest
from services.ingest.models.body import Body, example, read
from services.ingest.models.events import CloudEvent, CloudEventBatch
from services.ingest.models.notifications import CancelRequest, SendRequest
from services.ingest.models.people import InlinePerson
from services.ingest.models.profiles import ProfileBody, ProfilePatch, StoredProfile
from services.ingest.models.schedules import SchedulePatch, ScheduleRequest
from services.ingest.models.tenants import CancelScope, StopScope, StoredTenant, TenantBody, TenantPatch
from services.ingest.openapi import MODELS
from services.ingest.settings import IngestSettings
from shared.model import event_codecs
from shared.model.channels import ADDRESS_KINDS
from shared.model.events import Event
from shared.model.notifications import Contact
from shared.model.profiles import Profile
from shared.model.tenants import TenantSettings
from tests.unit.ingest.scenes import no_database

NOW = 1_767_600_000_000


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    app = create_app(
        IngestSettings(webhook_secret="master-secret-of-webhooks"),
        database=no_database(),
        catalog=None,
        kafka=None,
        outbox=None,
    )
    return app.openapi()


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"]
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def test_every_reference_leads_to_a_schema(document: dict[str, Any]) -> None:
    found = set(references(document))
    assert len(found) > 10
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert found - known == set()


REPEATED = {"cancelFanout", "reportSent", "liftSuppressions", "reportFailed", "extendLease"}
"""Once or twice is the same."""


def test_every_operation_says_what_it_takes_and_answers(document: dict[str, Any]) -> None:
    operations = [(method, each) for path in document["paths"].values() for method, each in path.items()]
    assert len(operations) == 35
    for method, operation in operations:
        assert operation["security"] == [{"apiKey": []}]
        assert {"401", "403", "503"} < operation["responses"].keys()
        takes_body = method in {"post", "put", "patch"} or operation["operationId"] == "unsubscribe"
        says_all = operation["operationId"] == "cancelFanout"
        assert ("requestBody" in operation) == (takes_body and not says_all)
        headers = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "header"}
        assert ("Idempotency-Key" in headers) == (method == "post" and operation["operationId"] not in REPEATED)
    assert document["paths"]["/v1/users/{user}"]["get"]["parameters"][0]["schema"]["maxLength"] == 200


def test_what_is_sent_as_in_the_examples_is_accepted() -> None:
    tenants = (TenantBody, TenantPatch, StopScope, CancelScope)
    topics = (SubscribeRequest, UnsubscribeRequest)
    for model in (
        SendRequest,
        CancelRequest,
        ProfileBody,
        ProfilePatch,
        ScheduleRequest,
        SchedulePatch,
        *tenants,
        *topics,
    ):
        assert isinstance(read(model, example(model), {"now": NOW}), Body)
    assert isinstance(event_codecs.from_structured(orjson.dumps(example(CloudEvent))), Event)
    batch = event_codecs.from_batch(orjson.dumps(example(CloudEventBatch)), most=1000)
    assert all(isinstance(event, Event) for event in batch)


@pytest.mark.parametrize("model", MODELS)
def test_an_example_fits_its_own_schema(model: Any) -> None:
    model.model_validate(example(model), context={"now": NOW})


def test_the_models_know_the_same_fields_as_the_values_that_they_become() -> None:
    assert InlinePerson.model_fields.keys() == {*ADDRESS_KINDS, *Contact.__struct_fields__} - {"addresses"}
    assert ProfileBody.model_fields.keys() == set(Profile.__struct_fields__) - {
        "tenant",
        "user",
        "version",
        "life",
        "deleted",
        "format",
    }
    assert StoredProfile.model_fields.keys() == {*ProfileBody.model_fields, "id", "version", "webhook_secret"}
    settings = set(TenantSettings.__struct_fields__) - {"tenant", "format"}
    assert TenantBody.model_fields.keys() == settings - {"version", "stops"}
    assert StoredTenant.model_fields.keys() == {*settings, "id"}
