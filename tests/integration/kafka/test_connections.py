"""Every client of ours gets into a Kafka that demands TLS and SASL; who is not let in says why, within seconds."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest
from aiokafka.client import AIOKafkaClient
from structlog.testing import capture_logs

from shared.kafka.admin import describe_topics, ensure_topics
from shared.kafka.connection import Certificates, KafkaConnection, Mechanism, SecurityProtocol
from shared.kafka.consumer import fetch, open_consumer, start_consumer
from shared.kafka.producer import Publisher
from shared.kafka.readiness import KafkaReadiness
from shared.kafka.rejections import check_connection
from shared.kafka.topic_reader import open_reader
from shared.model.errors import KafkaRejected, KafkaUnavailable
from shared.model.outputs import Output
from shared.model.topics import Topics
from tests.support.strict_kafka import StrictKafka
from tests.support.wait import until


async def works(kafka: KafkaConnection) -> None:
    """Creates a topic, writes to it, reads it in a group and without one."""
    topics = Topics(f"t-{uuid4().hex[:10]}", 1)
    topic = topics.table()[0]
    assert await ensure_topics(kafka, [topic]) == [topic.name]
    await until(lambda: _known(kafka, topic.name), what="the topic")
    publisher = Publisher(kafka, client_id="tests")
    await publisher.start()
    await publisher.publish([Output(topic.name, b"k", b"v", [])])
    await publisher.stop()
    consumer = open_consumer(kafka, topic.name, group=topics.group("tests"), client_id="tests")
    await start_consumer(consumer)
    try:
        [record] = await until(lambda: fetch(consumer, max_records=10), what="the record")
    finally:
        await consumer.stop()
    assert record.value == b"v"
    async with open_reader(kafka, topic.name) as reader:
        assert [each.value async for batch in reader.batches() for each in batch] == [b"v"]


async def _known(kafka: KafkaConnection, name: str) -> bool:
    found, _ = await describe_topics(kafka, [name])
    return name in found


@pytest.mark.parametrize("mechanism", list(Mechanism))
async def test_by_sasl_in_tls(strict: StrictKafka, mechanism: Mechanism) -> None:
    await works(strict.connection(mechanism))


async def test_by_a_certificate(strict: StrictKafka) -> None:
    await works(strict.by_certificate())


async def test_in_clear_it_works_with_a_warning(strict: StrictKafka) -> None:
    kafka = replace(
        strict.connection(Mechanism.SCRAM_SHA_512),
        servers=strict.sasl_in_clear,
        security=SecurityProtocol.SASL_PLAINTEXT,
    )
    with capture_logs() as said:
        await KafkaReadiness(kafka, []).wait()
    assert [line["event"] for line in said] == ["kafka_in_clear"]
    await works(kafka)


@pytest.mark.parametrize("mechanism", [Mechanism.PLAIN, Mechanism.SCRAM_SHA_256, Mechanism.SCRAM_SHA_512])
async def test_a_wrong_password_names_the_setting(strict: StrictKafka, mechanism: Mechanism) -> None:
    kafka = strict.connection(mechanism, password="wrong")
    with pytest.raises(KafkaRejected, match="CARILLON_KAFKA_PASSWORD"):
        await KafkaReadiness(kafka, []).wait()
    with pytest.raises(KafkaUnavailable, match="CARILLON_KAFKA_PASSWORD"):
        await Publisher(kafka, client_id="tests").start()
    with pytest.raises(KafkaUnavailable, match="CARILLON_KAFKA_PASSWORD"):
        await describe_topics(kafka, ["t"])


async def test_a_token_that_has_expired_names_the_settings(strict: StrictKafka) -> None:
    kafka = strict.connection(Mechanism.OAUTHBEARER)
    strict.token("carillon", life_seconds=-60)
    with pytest.raises(KafkaRejected, match="CARILLON_KAFKA_TOKEN_FILE"):
        await check_connection(kafka)
    strict.token("carillon")
    await check_connection(kafka)


def tls(strict: StrictKafka, servers: str, authorities: str, certificate: str | None = None) -> KafkaConnection:
    files = Certificates(
        authorities=strict.folder / authorities, certificate=strict.folder / certificate if certificate else None
    )
    return KafkaConnection(servers=servers, security=SecurityProtocol.SSL, certificates=files)


async def test_an_expired_or_foreign_certificate_is_named(strict: StrictKafka) -> None:
    for kafka, why in [
        (tls(strict, strict.expired, "ca.pem"), r"certificate has expired.*CARILLON_KAFKA_CA"),
        (tls(strict, strict.mutual, "foreign-ca.pem"), r"not trusted.*CARILLON_KAFKA_CA"),
        (tls(strict, strict.mutual.replace("127.0.0.1", "localhost"), "ca.pem"), r"not trusted: Hostname mismatch"),
    ]:
        with pytest.raises(KafkaRejected, match=why):
            await check_connection(kafka)


@pytest.mark.parametrize("certificate", [None, "foreign.pem"])
async def test_without_a_certificate_that_it_takes_it_says_so(strict: StrictKafka, certificate: str | None) -> None:
    with pytest.raises((KafkaRejected, KafkaUnavailable), match="certificate"):
        await check_connection(tls(strict, strict.mutual, "ca.pem", certificate))


async def test_another_protocol_than_the_server_speaks_is_waited_out_with_the_setting_named(
    strict: StrictKafka,
) -> None:
    in_clear = [KafkaConnection(servers=each) for each in (strict.sasl, strict.sasl_in_clear, strict.mutual)]
    for kafka in (*in_clear, tls(strict, strict.sasl_in_clear, "ca.pem")):
        with pytest.raises(KafkaUnavailable, match="CARILLON_KAFKA_SECURITY_PROTOCOL"):
            await check_connection(kafka)


async def test_one_server_that_lets_us_in_is_enough(strict: StrictKafka) -> None:
    kafka = strict.connection()
    await check_connection(replace(kafka, servers=f"127.0.0.1:1,{strict.mutual},{kafka.servers}"))


async def test_a_renewed_certificate_is_used_by_the_next_connection(strict: StrictKafka) -> None:
    """Of a client that is there already."""
    renewed = strict.folder / "renewed.pem"
    renewed.write_bytes((strict.folder / "foreign.pem").read_bytes())
    arguments = strict.by_certificate("renewed").client_arguments()
    renewed.write_bytes((strict.folder / "client.pem").read_bytes())
    client = AIOKafkaClient(**arguments)
    await client.bootstrap()
    await client.close()
