"""Who plays: one in the office, one technician, and the work orders that he has."""

from __future__ import annotations

from typing import Final

from carillon.client import AsyncClient
from carillon.errors import ProblemError
from carillon.integrations.workorders import WorkOrderNotifications

OFFICE: Final = "olga"
TECHNICIAN: Final = "tom"
PEOPLE: Final = {OFFICE: "Olga", TECHNICIAN: "Tom"}
WORK_ORDERS: Final = {"12": "Boiler, 4 Mill Lane", "13": "Pump, Harbour Street"}


async def introduce(carillon: AsyncClient, orders: WorkOrderNotifications) -> None:
    """Stores who is not known yet, and who is where. Raises ClientError."""
    for user, name in PEOPLE.items():
        try:
            await carillon.get_user(user)
        except ProblemError as error:
            if error.status != 404:
                raise
            await carillon.put_user(user, {"name": name, "locale": "en"})
    await orders.join_office(OFFICE)
    for number in WORK_ORDERS:
        await orders.assign(number, TECHNICIAN)
