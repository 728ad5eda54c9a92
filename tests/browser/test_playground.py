"""Something moves at once: the page of a stack that was just started, on all of that stack, in Chromium."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from sandbox.stack import load
from tests.browser.conftest import BUILT
from tests.browser.playground_scene import PHONES, PlaygroundScene, StartedStack
from tests.support.local_stack import local_stack

pytestmark = pytest.mark.asyncio(loop_scope="package")  # one Chromium for all

LOOKS = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "middle": {"color_scheme": "light", "viewport": {"width": 1100, "height": 900}},
    "narrow": {"color_scheme": "light", "viewport": {"width": 360, "height": 740}},
    "narrow-dark": {"color_scheme": "dark", "viewport": {"width": 360, "height": 740}, "reduced_motion": "reduce"},
}


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartedStack]:
    """As `make up` starts it."""
    if not BUILT.exists():
        pytest.fail("The component is not built. Build it: make web", pytrace=False)
    with local_stack(tmp_path_factory.mktemp("playground") / "state") as local:
        code, told = local.run(("up",))
        stack = load(local.state)
        assert code == 0, told
        assert stack is not None
        yield StartedStack(stack, local.state, told)


@pytest_asyncio.fixture(loop_scope="package")
async def playground(started: StartedStack, browser: Browser) -> AsyncIterator[PlaygroundScene]:
    made = PlaygroundScene(started, browser)
    await made.settle()
    yield made
    await made.close()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("playground-pictures")


async def test_starting_a_stack_names_the_page_before_anything_else(started: StartedStack) -> None:
    line = f"Try it: {started.stack.urls['playground']}\n"
    assert line in started.told
    assert started.told.index(line) < started.told.index("Carillon runs")


async def test_what_is_sent_to_one_comes_to_that_one_with_every_rule(playground: PlaygroundScene) -> None:
    page = await playground.open()
    await page.send("Ada", order="B-1", carrier="DHL")
    await expect(page.items("ada").filter(has_text="Order B-1 is on its way")).to_be_visible()
    await expect(page.items("grace").filter(has_text="B-1")).to_have_count(0)
    card = page.card("Ada")
    await expect(card.get_by_text("email: sent")).to_be_visible()
    await expect(card.get_by_text("in_app: sent")).to_be_visible()
    await expect(card.get_by_text("webhook: suppressed")).to_be_visible()
    await expect(card.get_by_text(re.compile(r"Every rule \(31 in one decision\)"))).to_be_visible()
    webhook = card.locator("[data-about=webhook]")
    await expect(webhook).to_contain_text("✓ no operator has stopped the channel · the channel is wanted")
    await expect(webhook).to_contain_text("there is an address? No: suppressed, the profile has no address")
    await expect(webhook).to_contain_text("not asked any more: the address is not suppressed")
    await expect(card.locator("[data-about=attempts]")).to_contain_text(re.compile(r"email/smtp: sent in \d+ ms"))
    await expect(card.get_by_role("link", name="email: sent")).to_have_attribute("href", playground.stack.urls["sink"])


async def test_what_is_sent_to_both_comes_to_both_each_in_their_language(playground: PlaygroundScene) -> None:
    page = await playground.open()
    await page.send("both", order="B-2", carrier="DHL")
    await expect(page.items("ada").filter(has_text="Order B-2 is on its way")).to_be_visible()
    await expect(page.items("grace").filter(has_text="Bestellung B-2 ist unterwegs")).to_be_visible()
    await expect(page.card("Grace").get_by_text("webhook: sent")).to_be_visible()
    await page.items("ada").filter(has_text="B-2").get_by_role("button", name="Mark as read").click()
    await expect(page.card("Ada").get_by_text("In the inbox it is read now.")).to_be_visible()


async def test_what_somebody_does_not_want_is_stopped_by_a_rule_that_is_named(playground: PlaygroundScene) -> None:
    page = await playground.open()
    ada = page.phone("ada")
    await ada.get_by_role("button", name="Settings").click()
    await ada.get_by_role("checkbox", name="Order shipped").uncheck()
    await ada.get_by_role("button", name="Save").click()
    await expect(ada.get_by_text("Saved.")).to_be_visible()
    await page.send("both", order="B-3", carrier="DHL")
    whole = page.card("Ada").locator("[data-about='all of it']")
    await expect(whole).to_contain_text("its workflow and category are wanted? No: suppressed, the user opted out")
    await expect(page.card("Grace").get_by_text("in_app: sent")).to_be_visible()
    await expect(page.items("grace").filter(has_text="B-3")).to_be_visible()
    await ada.get_by_role("button", name="Back").click()
    await expect(page.items("ada").filter(has_text="B-3")).to_have_count(0)


async def test_quiet_hours_hold_it_and_the_timeline_says_until_when(playground: PlaygroundScene) -> None:
    page = await playground.open()
    quiet = page.phone("grace").get_by_role("switch", name="Quiet hours")
    await quiet.click()
    await expect(quiet).to_have_attribute("aria-checked", "true")
    until = (await quiet.inner_text()).partition("–")[2]
    assert re.fullmatch(r"\d\d:\d\d", until)
    await page.send("Grace", order="B-4", carrier="DHL")
    card = page.card("Grace")
    await expect(card.get_by_text(re.compile(rf"email: held until .*{until}:00 in New York"))).to_be_visible()
    await expect(card.locator("[data-about=email]")).to_contain_text("no quiet hours hold it? No: held until")
    await expect(
        card.get_by_text(re.compile("By email it waits for the end of the user's quiet hours, until"))
    ).to_be_visible()
    await quiet.click()
    await expect(quiet).to_have_attribute("aria-checked", "false")


async def test_who_is_muted_gets_only_what_is_critical(playground: PlaygroundScene) -> None:
    page = await playground.open()
    mute = page.phone("ada").get_by_role("switch", name="Mute")
    await mute.click()
    await expect(mute).to_have_attribute("aria-checked", "true")
    await page.send("Ada", order="B-5", carrier="DHL")
    await expect(page.card("Ada")).to_contain_text("not muted? No: suppressed, the user has muted everything")
    await page.send("Ada", "payment.failed", order="B-5", amount="42.00 EUR")
    await expect(page.items("ada").filter(has_text="Your payment did not go through").first).to_be_visible()
    await mute.click()
    await expect(mute).to_have_attribute("aria-checked", "false")


async def test_what_is_to_come_later_waits_until_then(playground: PlaygroundScene) -> None:
    page = await playground.open()
    await page.page.get_by_label("Deliver in 10 seconds").check()
    await page.send("Ada", order="B-6", carrier="DHL")
    await expect(page.card("Ada")).to_contain_text("it is time? No: held until")
    await expect(page.items("ada").filter(has_text="Order B-6")).to_be_visible()
    await expect(page.card("Ada")).to_contain_text("Its wait was over: it was decided again.")


async def test_the_gateway_is_killed_and_nothing_is_missed(playground: PlaygroundScene) -> None:
    page = await playground.open()
    first = playground.gateway_pid()
    await page.page.get_by_role("button", name="Kill the gateway").click()
    for name in ("Ada", "Grace"):
        told = re.compile(rf"{name}: back after [\d.]+ s; 3 of 3 sent meanwhile are here, nothing is missing")
        await expect(page.outage.get_by_text(told)).to_be_visible(timeout=60_000)
    for number in (1, 2, 3):
        await expect(page.items("ada").filter(has_text=f"Order K1-{number} is on its way").first).to_be_visible()
        await expect(page.items("grace").filter(has_text=f"Bestellung K1-{number} ist unterwegs").first).to_be_visible()
    await expect(page.page.locator(".connection.live")).to_have_count(len(PHONES))
    assert playground.gateway_pid() != first, "it is another process"


async def test_a_page_that_is_opened_while_the_gateway_is_dead_has_its_phones_once_it_is_back(
    playground: PlaygroundScene,
) -> None:
    await playground.kill_gateway()
    page = await playground.open()
    await page.send("Ada", order="B-7", carrier="DHL")
    await expect(page.items("ada").filter(has_text="Order B-7")).to_be_visible()


async def test_what_cannot_be_sent_is_said(playground: PlaygroundScene) -> None:
    page = await playground.open()
    data = page.page.get_by_label("Data, as JSON")
    await data.fill('{"order": ')
    await page.page.get_by_role("button", name="Send", exact=True).click()
    await expect(data).to_be_focused()
    await expect(data).to_have_attribute("aria-invalid", "true")
    await expect(page.page.get_by_text("It is no JSON")).to_be_visible()
    await page.send("Ada", order="B-8", carrier="DHL")
    await expect(data).not_to_have_attribute("aria-invalid", "true")


@pytest.mark.parametrize("look", LOOKS)
async def test_axe_finds_nothing_and_nothing_sticks_out(playground: PlaygroundScene, pictures: Path, look: str) -> None:
    page = await playground.open(bypass_csp=True, **LOOKS[look])
    await page.send("both", order="B-9", carrier="DHL")
    quiet = page.phone("ada").get_by_role("switch", name="Quiet hours")
    await quiet.click()
    await expect(quiet).to_have_attribute("aria-checked", "true")
    await page.send("both", "order.promotion")
    await expect(page.card("Ada")).to_contain_text("held until")
    await expect(page.card("Grace").get_by_text("email: sent")).to_be_visible()
    assert await page.violations() == []
    await page.page.screenshot(path=pictures / f"{look}.png", full_page=True)
    width = await page.page.evaluate("document.documentElement.scrollWidth")
    assert width <= (await page.page.evaluate("innerWidth"))
    await page.phone("ada").get_by_role("button", name="Settings").click()
    await expect(page.phone("ada").get_by_role("checkbox", name="E-mail")).to_be_visible()
    assert await page.violations() == []
