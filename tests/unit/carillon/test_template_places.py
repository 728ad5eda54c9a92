"""Templates of steps and variants are checked where they stand; a digest and a tenant's brand may be shown."""

from __future__ import annotations

from typing import Any

import pytest

from carillon.cli.templates import template_faults
from shared.model.workflows import parse

FILE: dict[str, Any] = {
    "key": "order.shipped",
    "category": "orders",
    "steps": [{"key": "inbox", "channels": ["in_app"]}],
    "templates": {"in_app": {"title": "Hi"}},
}


def faults(**more: Any) -> list[tuple[str | None, str]]:
    return [(fault.pointer, fault.code) for fault in template_faults(parse(FILE | more))]


def step(title: Any, key: str = "x") -> dict[str, Any]:
    return {"key": key, "channels": ["in_app"], "templates": {"in_app": {"title": title}}}


def test_each_is_named_where_it_stands() -> None:
    found = faults(
        steps=[
            step("{{ dat.x }}"),
            {
                "key": "ways",
                "kind": "branch",
                "branches": [{"when": {"data.x": 1}, "steps": [step("{{ data.x | upcas }}", "y")]}],
                "otherwise": [step({"en": "fine", "en_US": "wrong"}, "z")],
            },
        ],
        variants=[{"key": "a"}, {"key": "b", "templates": {"in_app": {"title": "{% if %}"}}}],
        templates={"in_app": {"title": "{{ usr.id }}", "body": "{{ data.x | date }}"}},
    )
    assert sorted(found) == [
        ("/steps/0/templates/in_app/title", "invalid_template"),
        ("/steps/1/branches/0/steps/0/templates/in_app/title", "invalid_template"),
        ("/steps/1/otherwise/0/templates/in_app/title/en_US", "invalid_locale"),
        ("/templates/in_app/body", "invalid_template"),
        ("/templates/in_app/title", "invalid_template"),
        ("/variants/1/templates/in_app/title", "invalid_template"),
    ]


@pytest.mark.parametrize(
    ("title", "right"),
    [
        ("{{ digest.count }}: {% for item in digest.items %}{{ item.order }}{% endfor %}", True),
        ("{{ digest.items[0].order | upcase }}", True),
        ("{{ digest.number }}", False),
        ("{{ tenant.brand.shop }} {{ tenant.brand.colour | upcase }} {{ tenant.id }}", True),
        ("{{ tenant.brand.shop | upcase: 3 }}", False),
        ("{{ tenant.shop }}", False),
    ],
)
def test_what_a_digest_and_a_tenant_have(title: str, right: bool) -> None:
    assert (faults(templates={"in_app": {"title": title}}) == []) is right
