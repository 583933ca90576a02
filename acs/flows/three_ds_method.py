"""Keep what a browser said of itself until the AReq of its payment asks for it [rules 4.3, 4.7].

Nothing here makes a transaction, and nothing here is believed: it is a claim, small, sealed for its
place, and cleared away within the hour unless an AReq claims it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from acs.flows.gather import device_place
from acs.store import device_data

if TYPE_CHECKING:
    from acs.ports import Ports
    from schemas.three_ds_method import DeviceData, MethodRequest


async def keep_device(ports: Ports, asked: MethodRequest, device: DeviceData) -> bool:
    """Keep device data under the 3DS Server's transaction; False if some was kept before."""
    identifier = UUID(asked.three_ds_server_trans_id)
    sealed = ports.keys.vault.seal(device.to_bytes(), device_place(identifier))
    async with ports.pool.connection() as conn:
        return await device_data.keep(conn, identifier, sealed, ports.clock())
