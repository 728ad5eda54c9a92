from __future__ import annotations

from shared.model.token_buckets import TokenBucket, TokenBuckets


def test_a_bucket_allows_a_burst_then_the_rate():
    bucket = TokenBucket(rate=2, burst=3)
    assert [bucket.take(10.0) for _ in range(4)] == [True, True, True, False]
    assert bucket.take(10.4) is False
    assert bucket.take(10.5) is True
    assert [bucket.take(100.0) for _ in range(4)] == [True, True, True, False]


def test_each_key_has_a_bucket_of_its_own():
    buckets = TokenBuckets(rate=1, burst=1, most=10)
    assert [buckets.take(key, 0.0) for key in ("ann", "bob", "ann", "bob")] == [True, True, False, False]


def test_only_the_key_that_asked_least_recently_is_forgotten():
    buckets = TokenBuckets(rate=1, burst=1, most=2)
    assert [buckets.take(key, 0.0) for key in ("ann", "bob", "ann", "eve")] == [True, True, False, True]
    assert buckets.take("ann", 0.0) is False
    assert buckets.take("bob", 0.0) is True
