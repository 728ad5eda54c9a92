"""The answer of a dry run."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from services.ingest.models.body import Body


class RehearsedSentence(Body):
    """One thing that would happen."""

    text: str
    at: str | None = Field(None, description="when it would be decided")
    rule: str | None = None
    reason: str | None = None
    until: str | None = Field(None, description="it would wait so long")
    step: str | None = None
    channel: str | None = None


class RehearsedRecipient(Body):
    """What one recipient would get."""

    user: str = Field(description="a user id, or the id of an inline person")
    items: list[dict[str, object]] = Field(
        description="as the router would decide them: `outcome` (deliver, hold, suppress, count, gather, replace), the "
        "time `at`, `channel`, `step`, `rule`, `reason`, `due`; `condition` where something is assumed. No addresses"
    )
    sentences: list[RehearsedSentence]


class DryRunAnswer(Body):
    """Who would get what, and when; nothing was stored or sent."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "dry_run": True,
                    "workflow": "chat.new_message",
                    "version": 3,
                    "recipients": [
                        {
                            "user": "ada",
                            "items": [
                                {
                                    "outcome": "deliver", "at": "2026-01-05T12:00:00.000Z", "channel": "in_app",
                                    "step": "notify",
                                },
                                {
                                    "outcome": "suppress", "at": "2026-01-05T12:00:00.000Z", "channel": "email",
                                    "step": "notify", "rule": "address", "reason": "no_address",
                                },
                            ],
                            "sentences": [
                                {"text": "It goes by in_app.", "at": "2026-01-05T12:00:00.000Z", "channel": "in_app"}
                            ],
                        }
                    ],
                    "audience": None,
                }
            ]
        }
    )  # fmt: skip

    dry_run: bool = Field(description="true: nothing was stored or sent")
    workflow: str
    version: int
    recipients: list[RehearsedRecipient]
    audience: str | None = Field(
        None, description="of more recipients than are looked at: who it would go to, page by page"
    )
