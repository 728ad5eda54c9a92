"""Which texts a delivery has: the step's, then the variant's, then the workflow's, channel by channel."""

from __future__ import annotations

import pytest

from shared.model.channel_templates import Templates, Variant
from shared.model.channels import Channel
from shared.model.steps import Branch, BranchStep, ChannelStep
from shared.model.templates import EmailTemplate, InAppTemplate
from shared.model.texts import every_text, texts_of
from tests.support import samples as a

ROW, MAIL = InAppTemplate(title="workflow"), EmailTemplate(subject="workflow", text="")
OWN = ChannelStep(key="own", channels=a.ALL, templates=Templates(in_app=InAppTemplate(title="step")))
FLOW = a.workflow(
    templates=Templates(in_app=ROW, email=MAIL),
    variants=(
        Variant(key="bold", templates=Templates(email=EmailTemplate(subject="bold", text=""))),
        Variant(key="all", templates=Templates(in_app=InAppTemplate(title="all"))),
    ),
    steps=(
        ChannelStep(key="plain", channels=a.ALL),
        BranchStep(key="b", branches=(Branch(when={"data.vip": {"exists": True}}, steps=(OWN,)),)),
    ),
)


@pytest.mark.parametrize(
    ("step", "variant", "channel", "first_words"),
    [
        ("plain", None, Channel.IN_APP, "workflow"),
        ("plain", "bold", Channel.IN_APP, "workflow"),
        ("plain", "all", Channel.IN_APP, "all"),
        ("plain", "bold", Channel.EMAIL, "bold"),
        ("own", "all", Channel.IN_APP, "step"),
        ("own", "bold", Channel.EMAIL, "bold"),
        ("own", None, Channel.EMAIL, "workflow"),
        ("gone", "gone", Channel.EMAIL, "workflow"),
        ("b", None, Channel.IN_APP, "workflow"),
        ("plain", None, Channel.WEBHOOK, None),
    ],
)
def test_the_nearest_text_counts(step: str, variant: str | None, channel: Channel, first_words: str | None) -> None:
    found = texts_of(FLOW, step, variant, channel)
    words = found.title if isinstance(found, InAppTemplate) else getattr(found, "subject", None)
    assert words == first_words


def test_every_text_is_found_where_it_stands() -> None:
    assert [pointer for pointer, _, _ in every_text(FLOW)] == [
        "/templates/in_app",
        "/templates/email",
        "/variants/0/templates/email",
        "/variants/1/templates/in_app",
        "/steps/1/branches/0/steps/0/templates/in_app",
    ]
