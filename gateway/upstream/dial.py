"""How a connection to a backend is opened."""

from gateway.upstream.connection import Connection
from gateway.upstream.pool import Pool


async def dial(pool: Pool) -> Connection:
    """Open a connection of this pool's; raises OSError or ValueError. Who calls has counted it in `dialing` before."""
    try:
        connection = await pool.replica.address.connect(pool.make)
        if not connection.is_sound():
            raise ConnectionResetError(f"{pool.replica.address.text} closed the connection at once")
        pool.open.add(connection)
    finally:
        pool.dialing -= 1
    return connection
