"""Each service under a name of its own, with the documented access and nothing else: the product works."""

from __future__ import annotations

from pathlib import Path

import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from shared.kafka.connection import Mechanism
from shared.kafka.producer import Publisher
from shared.model.access import SERVICES, grants
from shared.model.errors import KafkaUnavailable
from shared.model.outputs import Output
from tests.support.brokers import Brokers
from tests.support.env import Harness, lay
from tests.support.strict_kafka import StrictKafka
from tests.support.wait import until

OPERATIONS = {
    "Read": AclOperation.READ,
    "Describe": AclOperation.DESCRIBE,
    "Write": AclOperation.WRITE,
    "DescribeConfigs": AclOperation.DESCRIBE_CONFIGS,
}
RESOURCES = {"topic": ResourceType.TOPIC, "group": ResourceType.GROUP}


def grant_all(strict: StrictKafka, topics) -> None:
    admin = AdminClient({"bootstrap.servers": strict.node.bootstrap})
    wanted = [
        AclBinding(
            RESOURCES[grant.resource],
            grant.name,
            ResourcePatternType.LITERAL,
            f"User:{grant.service}",
            "*",
            OPERATIONS[operation],
            AclPermissionType.ALLOW,
        )
        for grant in grants(topics)
        for operation in grant.operations
    ]
    for done in admin.create_acls(wanted).values():
        done.result(30)


@pytest.mark.timeout(300)  # seven processes start, on what may be a busy machine
async def test_the_documented_access_is_enough_and_a_stranger_has_none(
    strict: StrictKafka, shared_brokers: Brokers, tmp_path: Path
) -> None:
    names = await lay(Brokers(kafka=strict.node.bootstrap, mongo=shared_brokers.mongo))
    grant_all(strict, names.topics)
    harness = Harness(names, tmp_path)
    try:
        for name in ("sink", *SERVICES):
            harness.spawn(name, **strict.variables(Mechanism.PLAIN, user=name))
        for service in harness.services.values():
            await service.ready(90)
        await harness.call("PUT", "/v1/users/ana", json={"name": "Ana", "addresses": {"email": "ana@example.com"}})
        event = {"workflow": "order.shipped", "recipients": ["ana"], "data": {"order": "A-1", "carrier": "DHL"}}
        answer = await harness.call("POST", "/v1/notifications", json=event)
        [sent] = answer["notifications"]

        url = f"{harness.url('console')}/v1/notifications/{sent['id']}/timeline"

        async def is_sent() -> bool:
            async with harness.client() as http, http.get(url) as response:
                told = await response.json() if response.status == 200 else {"channels": []}
            return [channel["state"] for channel in told["channels"]].count("sent") == 2

        await until(is_sent, what="e-mail and in_app sent, as statuses tell")
        for name in SERVICES:
            assert "AuthorizationFailed" not in harness.log(name), name
        stranger = Publisher(strict.connection(Mechanism.PLAIN), client_id="tests")
        await stranger.start()
        with pytest.raises(KafkaUnavailable, match="AuthorizationFailed"):
            await stranger.publish([Output(names.topics.events, None, b"{}", [])])
        await stranger.stop()
    finally:
        harness.kill()
