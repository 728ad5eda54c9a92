"""Chat: a message to a room by socket, phone and mailbox, what a member does not want, and what is read."""

from __future__ import annotations

from typing import Any, Final

from carillon.integrations.chat import ChatNotifications
from carillon.sockets.events import Notified
from carillon.sockets.inbox_socket import InboxSocket
from sandbox.demo.systems.scene import Scene
from shared.model.timestamps import parse_rfc3339

API: Final = "/api/v1/notifications"
JOHN: Final = {"username": "john_doe", "display_name": "John"}


async def play(scene: Scene) -> None:
    """Raises NotSeen, and what the client does."""
    chat = ChatNotifications(scene.carillon)
    john, ann, ben = (f"{name}-{scene.run}" for name in ("john", "ann", "ben"))
    with scene.steps.step("john, ann, and ben who speaks German"):
        for user, locale in ((john, "en"), (ann, "en"), (ben, "de")):
            profile = {"addresses": {"email": mailbox(user)}, "devices": [{"platform": "fcm", "token": user}]}
            await scene.carillon.put_user(user, profile | {"name": user.partition("-")[0].title(), "locale": locale})
    async with InboxSocket(scene.stack.urls["sockets"], lambda: scene.token(ann)) as socket:
        with scene.steps.step("john writes; ann is connected, ben is not") as step:
            await chat.create_message_notification(
                message_id=f"m-{scene.run}",
                room_id="lounge",
                sender_id=john,
                recipient_ids=[john, ann, ben],
                message_content="Lunch at noon?",
                sender_info=JOHN,
            )
            async for event in socket:
                if isinstance(event, Notified):
                    scene.note("socket", ann, event.item.title or "")
                    break
            for user in (ann, ben):
                await _shown(scene, "push", f"fcm:{user}", 1)
                await _shown(scene, "email", mailbox(user), 1)
            step.detail = f"{len(scene.received)} received, none by john"
    with scene.steps.step("ben wants neither e-mails nor friend requests"):
        unwanted = {"email_notifications": False, "notification_types": {"friend_request": False}}
        await _call(scene, ben, "PUT", "/preferences", unwanted)
    with scene.steps.step("john asks both, and invites ben to a room") as step:
        for user in (ann, ben):
            await chat.create_friend_request_notification(sender_id=john, recipient_id=user, sender_info=JOHN)
        await chat.create_room_invite_notification(
            room_id="tea", room_name="Tea", inviter_id=john, invitee_id=ben, inviter_info=JOHN
        )
        await _shown(scene, "push", f"fcm:{ann}", 2)
        await _shown(scene, "email", mailbox(ann), 2)
        await _shown(scene, "push", f"fcm:{ben}", 2)
        step.detail = "ben got the invitation alone, on his phone"
    with scene.steps.step("ben looks, and reads all of it") as step:

        async def both() -> dict[str, Any] | None:
            page = await _call(scene, ben, "GET", "")
            return page if page["total"] >= 2 else None

        page = await scene.until(both, "two in ben's inbox")
        for each in page["notifications"]:
            scene.note("in_app", ben, each["title"], parse_rfc3339(each["created_at"]))
        read = await _call(scene, ben, "PUT", "/read-all")
        step.detail = f"{page['unread']} unread, {read['updated_count']} read now"


def mailbox(user: str) -> str:
    """A user's address."""
    return f"{user}@chat.example"


async def _call(scene: Scene, user: str, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """As the user's client calls the gateway."""
    url = scene.stack.urls["gateway"] + API + path
    headers = {"authorization": f"Bearer {scene.token(user)}"}
    async with scene.http.request(method, url, headers=headers, json=body, raise_for_status=True) as answer:
        found: dict[str, Any] = await answer.json()
        return found


async def _shown(scene: Scene, kind: str, address: str, count: int) -> None:
    """Notes the titles of what reached an address, once it is so many in all. Raises NotSeen."""

    async def enough() -> list[dict[str, Any]] | None:
        url = f"{scene.stack.urls['sink']}/messages"
        async with scene.http.get(url, params={"kind": kind, "to": address}) as answer:
            found: list[dict[str, Any]] = (await answer.json())["messages"]
        return found if len(found) >= count else None

    messages = await scene.until(enough, f"{count} by {kind} to {address}")
    known = sum((one.where, one.who) == (kind, address) for one in scene.received)
    for message in messages[known:]:
        scene.note(kind, address, message["subject"], message["at_ms"])
