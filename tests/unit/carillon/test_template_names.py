"""What a template names that is not there, and how it calls filters, is found when it is published."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from carillon.cli import app
from carillon.cli.templates import ROOTS, check_templates
from services.delivery.rendering.liquid import context
from services.delivery.rendering.local_values import RECIPIENT
from shared.model.channel_templates import Templates
from shared.model.errors import InvalidWorkflow
from shared.model.templates import EmailTemplate
from shared.model.tenants import TenantSettings
from tests.support import samples as a


def check(text: str) -> None:
    check_templates(a.workflow(templates=Templates(email=EmailTemplate(subject="s", text=text))))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ dat.x }}", "there is no 'dat' (did you mean data?)"),
        ("{% if false %}{{ usr.id }}{% endif %}", "there is no 'usr' (did you mean user?)"),
        ("{% for one in datta.list %}{{ one }}{% endfor %}", "there is no 'datta'"),
        ("{{ user.nme }}", "there is no user.nme (did you mean name?)"),
        ("{{ event.typ }}", "there is no event.typ (did you mean type?)"),
        ("{{ data.x | upcas }}", "there is no filter 'upcas' (did you mean upcase?)"),
        ("{% if false %}{{ data.x | nosuch }}{% endif %}", "there is no filter 'nosuch'"),
        ("{{ data.x | date }}", "missing 1 required positional argument"),
        ("{% if data.a %}{{ data.a.b | upcase: 3 }}{% endif %}", "takes 1 positional argument but 2 were given"),
    ],
)
def test_it_is_refused_with_its_place(text: str, words: str) -> None:
    with pytest.raises(InvalidWorkflow) as refused:
        check(text)
    assert (refused.value.code, refused.value.pointer) == ("invalid_template", "/templates/email/text")
    assert words in refused.value.detail


@pytest.mark.parametrize(
    "text",
    [
        "{{ data.x | path_encode }} {{ data.n | plus: 1 }} {{ data.when | date: '%d.%m.' }}",
        "{% assign z = data.x %}{{ z }}{% for one in data.list %}{{ one.name }}{{ forloop.index }}{% endfor %}",
        "{{ user.name | default: user.id }} {{ actor }} {{ workflow }} {{ event.id }} {{ event.type }}",
        "{% capture t %}{{ data['odd key'] }}{% endcapture %}{{ t | truncate: 20 }}",
        "{{ data }} {{ data.a }} {{ data.a.b }} {{ data.a.b.c[0].d }}",
        "{{ data.list | map: 'name' | join: ', ' }} {{ data.x | divided_by: data.y }}",
    ],
)
def test_what_may_be_right_is_taken(text: str) -> None:
    check(text)


def test_the_names_are_those_that_templates_see() -> None:
    seen = context(a.delivery(), TenantSettings(tenant="acme", name="Acme"))
    assert seen.keys() - {RECIPIENT} == ROOTS.keys()
    for name, fields in ROOTS.items():
        if fields:
            assert seen[name].keys() == set(fields)


def test_the_command_names_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "w.yaml"
    path.write_text(
        "key: order.shipped\ncategory: orders\nsteps: [{key: notify, channels: [in_app]}]\n"
        "templates:\n  in_app:\n    title:\n      en: fine\n      de: '{{ dat.x }}'\n"
    )
    ended = CliRunner().invoke(app, ["catalog", "publish", str(path)])
    assert ended.exit_code == 1
    assert f"{path}:8: order.shipped: there is no 'dat'" in ended.output
