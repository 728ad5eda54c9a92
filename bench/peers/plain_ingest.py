"""The server one writes first: FastAPI, pydantic, `send_and_wait` for each record, the same acks, one constant key."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hmac import compare_digest
from typing import Annotated, Any
from uuid import uuid4

import uvicorn
from aiokafka import AIOKafkaProducer
from fastapi import Depends, FastAPI, Header, HTTPException
from pydantic import AwareDatetime, BaseModel, Field

from shared.process.settings import Settings

KEY = "ck_plain"


class PlainSettings(Settings):
    """Where it listens."""

    ingest_port: int


class CloudEvent(BaseModel):
    specversion: str = Field(pattern=r"^1\.0$")
    id: str = Field(min_length=1, max_length=1024)
    source: str = Field(min_length=1, max_length=1024)
    type: str = Field(min_length=1, max_length=1024)
    subject: str | None = None
    time: AwareDatetime | None = None
    datacontenttype: str | None = None
    data: dict[str, Any]


class Send(BaseModel):
    workflow: str = Field(min_length=1, max_length=200)
    recipients: list[str] = Field(min_length=1, max_length=100)
    data: dict[str, Any] = {}


class Notification(BaseModel):
    id: str
    tenant: str
    user: str
    workflow: str
    data: dict[str, Any]


SETTINGS = PlainSettings()
TOPICS = SETTINGS.topics


@asynccontextmanager
async def producing(app: FastAPI) -> AsyncIterator[None]:
    app.state.producer = AIOKafkaProducer(
        bootstrap_servers=SETTINGS.kafka, acks="all", enable_idempotence=True, max_request_size=8 * 1_048_576
    )
    await app.state.producer.start()
    yield
    await app.state.producer.stop()


def admit(authorization: Annotated[str, Header()]) -> None:
    if not compare_digest(authorization, f"Bearer {KEY}"):
        raise HTTPException(401)


app = FastAPI(lifespan=producing, dependencies=[Depends(admit)])


async def write(event: CloudEvent) -> str:
    key = (event.subject or event.id).encode()
    await app.state.producer.send_and_wait(TOPICS.events, event.model_dump_json().encode(), key)
    return event.id


@app.post("/v1/events", status_code=202)
async def events(event: CloudEvent) -> dict[str, Any]:
    return {"accepted": 1, "ids": [await write(event)]}


@app.post("/v1/events/batch", status_code=202)
async def batch(found: list[CloudEvent]) -> dict[str, Any]:
    return {"accepted": len(found), "ids": await asyncio.gather(*(write(event) for event in found))}


@app.post("/v1/notifications", status_code=202)
async def notifications(send: Send) -> dict[str, Any]:
    made = [
        Notification(id=str(uuid4()), tenant="default", user=user, workflow=send.workflow, data=send.data)
        for user in send.recipients
    ]
    for one in made:
        value = one.model_dump_json().encode()
        await app.state.producer.send_and_wait(TOPICS.notifications, value, f"default:{one.user}".encode())
    return {"notifications": [{"id": one.id, "user": one.user} for one in made]}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=SETTINGS.ingest_port, access_log=False, log_level="warning")
