"""The providers that take one POST per message, a case each: what every test of a sender needs to know of it."""

from __future__ import annotations

from tests.contract.providers.apns import APNS
from tests.contract.providers.case import ApiCase
from tests.contract.providers.fcm import FCM
from tests.contract.providers.meta import META
from tests.contract.providers.sendgrid import SENDGRID
from tests.contract.providers.slack import SLACK
from tests.contract.providers.telegram import TELEGRAM
from tests.contract.providers.twilio import TWILIO
from tests.contract.providers.vonage import VONAGE
from tests.contract.providers.webpush import WEBPUSH

_ALL = (
    TWILIO,
    VONAGE,
    SENDGRID,
    FCM,
    WEBPUSH,
    META,
    TELEGRAM,
    SLACK,
    APNS,
)
CASES: dict[str, ApiCase] = {f"{case.channel}/{case.name}": case for case in _ALL}
