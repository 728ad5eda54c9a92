"""What is wrong with the locales of a workflow is said when it is published."""

from __future__ import annotations

from typing import Any

import pytest

from carillon.cli.templates import check_templates
from shared.model.channel_templates import Templates
from shared.model.errors import InvalidWorkflow
from shared.model.templates import EmailTemplate
from tests.support import samples as a


def publish(**parts: Any) -> None:
    template = EmailTemplate(**({"subject": "s", "text": "t"} | parts))
    check_templates(a.workflow(templates=Templates(email=template)))


@pytest.mark.parametrize(
    ("parts", "code", "pointer"),
    [
        ({"subject": {"en_US": "Hello"}}, "invalid_locale", "/templates/email/subject/en_US"),
        ({"subject": {"english language": "Hello"}}, "invalid_locale", "/templates/email/subject/english language"),
        ({"html": {"": "Hello"}}, "invalid_locale", "/templates/email/html/"),
        ({"subject": {"pt-BR": "Olá", "pt-br": "Oi"}}, "invalid_locale", "/templates/email/subject"),
        ({"subject": {}}, "invalid_locale", "/templates/email/subject"),
        ({"subject": {"pt": "Olá"}, "html": {"en": "Hello"}}, "no_common_locale", "/templates/email"),
    ],
)
def test_wrong_locales(parts: dict[str, Any], code: str, pointer: str) -> None:
    with pytest.raises(InvalidWorkflow) as refused:
        publish(**parts)
    assert (refused.value.code, refused.value.pointer) == (code, pointer)


@pytest.mark.parametrize(
    "parts",
    [
        {"subject": {"en": "Hello", "pt-BR": "Olá", "zh-Hant-TW": "x", "de-DE-u-co-phonebk": "y", "x-own": "z"}},
        {"subject": {"EN": "Hello", "pt": "Olá"}, "text": {"en": "Hello"}},
        {"subject": {"it": "Ciao"}},
    ],
)
def test_right_locales(parts: dict[str, Any]) -> None:
    publish(**parts)
