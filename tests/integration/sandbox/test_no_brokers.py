"""Where no brokers can be had, what needs them fails: a test that is skipped would show nothing."""

from __future__ import annotations

import pytest

from tests.support.brokers import container_brokers


def test_without_brokers_it_fails_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "nobody://")
    monkeypatch.delenv("CI", raising=False)
    # A skip is caught as well: left alone it would skip this test, which then shows nothing, instead of failing it.
    with (
        pytest.raises((pytest.fail.Exception, pytest.skip.Exception)) as refused,
        container_brokers("there are no Kafka jars"),
    ):
        pass
    assert refused.type is pytest.fail.Exception
    assert "there are no Kafka jars" in str(refused.value)
    assert "make test" in str(refused.value)
