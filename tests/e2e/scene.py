"""What pipeline tests share: people, sends, the ends of a notification, messages in the sink."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from tests.support.env import Harness
from tests.support.wait import until

SHIPPED = "com.example.order.shipped.v1"
DATA = {"order": "A-17", "carrier": "DHL", "amount": "12.00 EUR", "tracking_url": "https://example.com/t"}


@dataclass(frozen=True)
class Scene:
    """The running product as pipeline tests use it: everything through its interfaces."""

    product: Harness

    async def person(self, name: str = "u", **more: Any) -> str:
        """A new user with e-mail and webhook; `more` replaces fields of the profile."""
        user = f"{name}-{uuid4().hex[:10]}"
        body = {
            "addresses": {
                "email": f"{user}@example.com",
                "webhook": self.product.url("sink") + f"/hooks/{user}",
            },
            "zone": "Europe/Berlin",
        }
        await self.product.call("PUT", f"/v1/users/{user}", json=body | more)
        return user

    async def send(self, *recipients: Any, workflow: str = "order.shipped", **more: Any) -> list[str]:
        """One request; the ids of its notifications in the order of the recipients."""
        body = {"workflow": workflow, "recipients": list(recipients), "data": DATA} | more
        answer = await self.product.call("POST", "/v1/notifications", json=body)
        return [found["id"] for found in answer["notifications"]]

    async def ends(self, notification: str, *, timeout: float = 60) -> dict[str, str]:
        """By channel how a notification ended (state, or `suppressed: reason`), once all of it has."""

        async def story() -> Any:
            async with self.product.client() as http:
                url = self.product.url("console") + f"/v1/notifications/{notification}/timeline"
                async with http.get(url) as response:
                    found = await response.json(content_type=None)
                    return found if response.status == 200 and found["state"] == "terminal" else None

        found = await until(story, what=f"the end of {notification}", timeout=timeout)
        return {
            row.get("channel", "all"): row["state"] + (f": {row['reason']}" if row.get("reason") else "")
            for row in found["channels"]
        }

    async def messages(self, kind: str, user: str) -> list[dict[str, Any]]:
        """What the sink got for a user."""
        to = f"{user}@example.com" if kind == "email" else user
        found = await self.product.call("GET", f"/messages?kind={kind}&to={to}", service="sink")
        return list(found["messages"])
