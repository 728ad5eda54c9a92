"""A record of `statuses.v1` as the row that the timeline keeps."""

from __future__ import annotations

from services.console.timeline.core.rows import TimelineRow
from shared.model.errors import FAULTY_FORMAT, Invalid, InvalidRecord
from shared.model.outputs import KafkaRecord
from shared.model.strict_json import loads
from shared.model.timestamps import parse_rfc3339, to_datetime


def status_row(record: KafkaRecord, created_at: int) -> TimelineRow:
    """The row of a status; `created_at` in milliseconds since the epoch.

    Raises InvalidRecord when it is no status.
    """
    if record.fault is not None:
        raise InvalidRecord(record.fault, FAULTY_FORMAT)
    try:
        headers = {name: raw.decode() for name, raw in record.headers if raw is not None and name.startswith("ce_")}
        data = loads(record.value or b"")
        at = parse_rfc3339(headers["ce_time"])
        return {
            "_id": headers["ce_id"],
            "tenant": headers["ce_tenant"],
            "user": data["user"],
            "type": headers["ce_type"],
            "subject": headers["ce_subject"],
            "notification": data.get("notification") or headers["ce_subject"],
            "at": to_datetime(at),
            "data": data,
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "created_at": to_datetime(created_at),
        }
    except Invalid as error:
        raise InvalidRecord(error.code, error.detail) from error
    except KeyError as error:
        raise InvalidRecord("missing_attribute", f"{error} is missing") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise InvalidRecord("unreadable_status", type(error).__name__) from error
