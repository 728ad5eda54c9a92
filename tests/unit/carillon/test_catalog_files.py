"""The files that the sandbox loads: workflows in catalog/, people in sandbox/people.yaml."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from carillon.cli.templates import check_templates
from services.delivery.rendering.liquid import render
from services.ingest.models.profiles import read_profile
from shared.catalog.files import read_folder
from shared.model.channels import Channel

ROOT = Path(__file__).parents[3]
ORDERS = read_folder(ROOT / "catalog" / "orders")
PEOPLE = yaml.safe_load((ROOT / "sandbox" / "people.yaml").read_text())
DATA = {
    "order": "A-1", "carrier": "DHL", "eta": "2026-01-07", "tracking_url": "https://example.com/t/1", "amount": "12 €",
    "new_eta": "2026-01-09", "reason": "snow", "percent": 10, "product": "bells", "until": "2026-02-01",
}  # fmt: skip


def body(person: dict) -> dict:
    """The demo's words made into the API's."""
    sent = {name: value for name, value in person.items() if name != "quiet_now"}
    sent["addresses"] = {
        name: address.replace("{sink}", "http://127.0.0.1:8025")
        for name, address in person.get("addresses", {}).items()
    }
    return sent


@pytest.mark.parametrize("user", PEOPLE)
def test_every_person_is_a_profile(user):
    profile = read_profile(body(PEOPLE[user]), "default", user, 0)
    assert profile.zone
    assert profile.locale


def test_the_people_cover_what_the_demo_shows():
    assert any(person.get("quiet_now") for person in PEOPLE.values())
    assert any("addresses" not in person for person in PEOPLE.values())
    assert any("{sink}" in str(person.get("addresses")) for person in PEOPLE.values())
    assert any(
        (person.get("preferences") or {}).get("channel_types", {}).get("email") is False for person in PEOPLE.values()
    )
    assert any((person.get("preferences") or {}).get("categories") for person in PEOPLE.values())


def test_the_orders_are_there():
    assert {workflow.key for workflow in ORDERS} == {
        "order.shipped",
        "order.delayed",
        "payment.failed",
        "order.promotion",
    }
    critical = [workflow.key for workflow in ORDERS if workflow.critical]
    assert critical == ["payment.failed"]


@pytest.mark.parametrize("workflow", ORDERS, ids=lambda workflow: workflow.key)
@pytest.mark.parametrize("locale", ["en-GB", "de-DE", "pt-BR", "ja-JP"])
def test_every_text_renders_in_every_language(workflow, locale):
    check_templates(workflow)
    values = {"data": DATA, "user": {"id": "ana", "name": None}}
    in_app, email = workflow.templates.in_app, workflow.templates.email
    texts = [in_app.title, in_app.body, email.subject, email.text, *([email.html] if email.html else [])]
    rendered = [render(text, locale, values) for text in texts]
    assert all(text.strip() and "{{" not in text for text in rendered)
    assert "ana" in rendered[3]
    assert Channel.EMAIL in workflow.steps[0].channels
