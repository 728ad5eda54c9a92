"""What one writes first: Celery 5 with Redis, a task per webhook, one POST over a kept connection, acknowledged late.

No record of what was sent, no statuses, no retries, no guard, no signature. A worker that dies sends again what it had
taken, and nobody can tell.
"""

from __future__ import annotations

import os
from typing import Final

import urllib3
from celery import Celery

HOSTS_KEPT: Final = 64
"""More than there are: by default connections to no more than ten hosts are kept."""
app = Celery("bench", broker=os.environ.get("BENCH_REDIS", "redis://127.0.0.1:6379/0"))
app.conf.update(
    task_acks_late=True,
    task_ignore_result=True,
    worker_enable_remote_control=False,
    worker_send_task_events=False,
    broker_connection_retry_on_startup=True,
)
http = urllib3.PoolManager(num_pools=HOSTS_KEPT, retries=False, timeout=15)


@app.task(name="post")  # type: ignore[untyped-decorator]  # Celery has no types
def post(url: str, delivery: str, body: str) -> None:
    """One webhook. By urllib3 itself, which takes a third of the time of `requests` on top of it."""
    answer = http.request(
        "POST", url, body=body.encode(), headers={"content-type": "application/json", "webhook-id": delivery}
    )
    if answer.status >= 300:
        raise RuntimeError(answer.status)
