"""Opened and followed, over the running product: from the mail that arrived to the open rate."""

from __future__ import annotations

import re
from typing import Any

from tests.e2e.run_workflows import flow, publish_flows
from tests.e2e.scene import Scene
from tests.support.env import Harness
from tests.support.wait import until

SHOP = "https://shop.example.com/offer?for=ada&now=1"
LETTER = {"subject": "An offer", "text": f"See {SHOP}", "html": '<p><a href="{{ data.url }}">See</a></p>'}
ASKED = flow(
    "tracked.mail",
    {"key": "mail", "channels": ["email"]},
    templates={"email": LETTER | {"track": ["opens", "clicks"]}},
)
SILENT = flow("untracked.mail", {"key": "mail", "channels": ["email"]}, templates={"email": LETTER})


async def test_an_offer_is_opened_and_followed_once_however_often(harness: Harness) -> None:
    harness.more |= {
        "CARILLON_PUBLIC_URL": harness.url("gateway"),
        "CARILLON_UNSUBSCRIBE_SECRET": "a-secret-of-the-tests-links",
        "CARILLON_ROLLUP_SECONDS": "0.5",
    }
    await harness.start("sink", "ingest", "router", "delivery", "gateway", "console")
    await publish_flows(harness, ASKED, SILENT)
    scene = Scene(harness)
    user, other = await scene.person(), await scene.person()
    await scene.send(user, workflow="tracked.mail", data={"url": SHOP})
    await scene.send(other, workflow="untracked.mail", data={"url": SHOP})

    async def html(of: str) -> str | None:
        messages = await scene.messages("email", of)
        return messages[0]["html"] if messages else None

    letter = await until(lambda: html(user), what="the mail")
    plain = await until(lambda: html(other), what="the other mail")
    assert "/t/" not in plain
    [link] = re.findall(r'<a href="([^"]+)"', letter)
    [pixel] = re.findall(r'<img src="([^"]+)"', letter)
    async with harness.client() as http:
        for _ in range(3):
            async with http.get(pixel) as shown:
                assert (shown.status, shown.content_type) == (200, "image/gif")
            async with http.get(link, allow_redirects=False) as on:
                assert (on.status, on.headers["location"]) == (302, SHOP)
        async with http.get(link[:-1], allow_redirects=False) as elsewhere:
            assert elsewhere.status == 404

    async def counted() -> dict[str, Any] | None:
        found = await harness.call("GET", "/v1/analytics/deliveries?by=workflow&channel=email", service="console")
        rows = {row["workflow"]: row for row in found["rows"]}
        mine = rows.get("tracked.mail", {}).get("counts", {})
        return rows if {"sent", "opened", "clicked"} <= mine.keys() else None

    rows = await until(counted, what="opened and clicked are counted")
    counts, rates = rows["tracked.mail"]["counts"], rows["tracked.mail"]["rates"]
    assert (counts["sent"], counts["opened"], counts["clicked"]) == (1, 1, 1)
    assert (rates["opened"]["rate"], rates["clicked"]["rate"]) == (1.0, 1.0)
    assert "opened" not in rows["untracked.mail"]["rates"]
