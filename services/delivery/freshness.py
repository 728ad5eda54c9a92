"""Whether a decision still holds when its delivery is claimed late."""

from __future__ import annotations

from shared.deciding.changed_inputs import ChangedInputs, asks_topic
from shared.model.deliveries import Delivery
from shared.process.batching import Batcher
from shared.process.retries import retry_until_available

BULK = 200


class Freshness:
    """Compares old decisions with what is known now, many at once."""

    def __init__(self, inputs: ChangedInputs, *, stale_after_ms: int) -> None:
        self.stale_after_ms = stale_after_ms
        self._changed: Batcher[Delivery, bool] = Batcher(
            lambda items: retry_until_available(inputs.changed, items), most=BULK
        )
        self._left: Batcher[Delivery, bool] = Batcher(
            lambda items: retry_until_available(inputs.left, items), most=BULK
        )

    async def is_stale(self, delivery: Delivery, now: int, *, critical: bool = False) -> bool:
        """Past `valid_until`, or decided more than a minute ago and something that it rests on has changed since.

        That is the profile, the cancel counter, the suppression list, who has an inline person's address, and the subscription
        to its topic, which a `critical` workflow does not ask. `now` in milliseconds. Waits while MongoDB is unavailable: who
        cannot know does not send.
        """
        if delivery.valid_until is not None and now >= delivery.valid_until:
            return True
        if now - delivery.decided_at <= self.stale_after_ms:
            return False
        if await self._changed(delivery):
            return True
        return asks_topic(delivery, critical=critical) and await self._left(delivery)

    def good_until(self, delivery: Delivery, now: int) -> int:
        """Until when a look at `now` counts, in milliseconds: expiry, `valid_until`, or a minute later.

        Who waited beyond it, for a connection say, looks again before sending.
        """
        compared = delivery.decided_at if now - delivery.decided_at <= self.stale_after_ms else now
        ends = [delivery.notification.expires_at, compared + self.stale_after_ms + 1]
        return min(ends if delivery.valid_until is None else [*ends, delivery.valid_until])
