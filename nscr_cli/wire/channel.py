"""One keep-alive connection to one origin: opened when it is needed, dropped after an error."""

import trio

from nscr_cli.wire.connection import Connection
from nscr_cli.wire.dialing import Dialer, reason_of
from nscr_cli.wire.messages import Exchange, Failure, Request, Sent, Stage, Trouble
from nscr_cli.wire.sinks import Sink
from nscr_cli.wire.watchdog import TimeOuts, Watchdog


class Channel:
    """Exchanges with one host and port, one at a time.

    An idle connection is looked at before it is used again: one that the registry has closed is replaced, so that a
    request is not lost into it and taken for one that may have happened.
    """

    def __init__(self, dialer: Dialer, host: str, port: int, *, time_outs: TimeOuts) -> None:
        self._dialer = dialer
        self._host = host
        self._port = port
        self._time_outs = time_outs
        self._connection: Connection | None = None

    async def exchange(self, request: Request, sink: Sink) -> Exchange:
        """Send one request, once, and read its answer; the body goes to `sink`.

        Raises:
            ValueError: the request cannot be written; nothing was sent.
        """
        connection = self._connection
        if connection is None or not connection.is_usable():
            await self.aclose()
            opened = await self._open()
            if isinstance(opened, Failure):
                return Exchange(sent=Sent(), failure=opened)
            connection = self._connection = opened
        return await connection.exchange(request, sink, self._time_outs)

    async def aclose(self) -> None:
        """Close the connection, if one is open; the channel can be used again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.aclose()

    async def _open(self) -> Connection | Failure:
        watchdog = Watchdog(self._time_outs, Stage.CONNECT)
        try:
            with watchdog.scope:
                return Connection(await self._dialer.dial(self._host, self._port))
        except (OSError, trio.BrokenResourceError) as error:
            return Failure(trouble=Trouble.UNREACHABLE, stage=Stage.CONNECT, detail=reason_of(error))
        return watchdog.failure()
