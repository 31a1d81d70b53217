"""Runs the registry as one process: Granian embedded in the asyncio loop of the main thread.

A supervisor with a worker would outlive or be outlived by a kill; here a kill -9 ends everything. The socket is bound
and listens before Granian sees it: Granian's own binding shares a taken port in silence and cannot tell which port a 0
became. On SIGTERM or SIGINT no connection is accepted any more, requests in flight are finished up to a limit, the
stores are closed.
"""

import asyncio
import logging
import signal
import socket
import ssl
from collections.abc import Callable
from typing import Any

from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.http import HTTP1Settings
from granian.server.embed import Server

from nscr import crashpoints
from nscr.allocator import give_back_freed_memory
from nscr.assembly import assemble
from nscr.background import repeat
from nscr.config import ServerConfig
from nscr.data_folder import admit_crash, admit_sabotage, held_data_folder
from nscr.descriptors import connections_within, raise_descriptor_limit
from nscr.errors import ConfigurationError, EnvironmentFault, StoreFault
from nscr.http.log_events import LogEvents
from nscr.sabotage.catalogue import CATALOGUE

BACKLOG = 1024
CONNECTION_BUFFER = 32 * 1024
"""Bytes of a body that wait for the registry, in each connection; larger ones cost memory and gain no speed."""
DRAIN_SECONDS = 10

logger = logging.getLogger("nscr.server")


def bind(host: str, port: int) -> socket.socket:
    """A listening socket, its port known.

    Raises:
        EnvironmentFault: taken, not allowed, or no address of this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(BACKLOG)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise EnvironmentFault(
            f"cannot listen on {host}:{port}: {error.strerror}",
            hint="choose another --port (0: any free one) or --host",
        ) from error
    listener.setblocking(False)
    return listener


class _SocketServer(Server):
    """Granian's embedded server on a socket that already listens."""

    def __init__(self, target: Any, listener: socket.socket, config: ServerConfig, *, connections: int) -> None:
        super().__init__(
            target,
            interface=Interfaces.ASGINL,
            http=HTTPModes.http1,
            websockets=False,
            log_enabled=False,
            backlog=BACKLOG,
            backpressure=connections,
            http1_settings=HTTP1Settings(
                header_read_timeout=config.header_timeout_seconds * 1000, max_buffer_size=CONNECTION_BUFFER
            ),
            ssl_cert=config.tls_cert,
            ssl_key=config.tls_key,
            ssl_protocol_min=SSLProtocols.tls12,
        )
        self._listener = listener

    def _init_shared_socket(self) -> None:
        self._ssp = None
        # Granian closes the descriptor when it stops listening: it is handed over, not shared.
        self._sfd: Any = self._listener.detach()
        # The type stub of this class lacks its constructor.
        holder: Any = SocketHolder
        self._shd = holder(self._sfd, False, BACKLOG)


def run(config: ServerConfig, *, announce: Callable[[str], None]) -> None:
    """Serve until a signal says stop.

    Args:
        config: checked settings.
        announce: called once with the ready line, when requests are accepted.

    Raises:
        ConfigurationError, EnvironmentFault: before anything was served.
    """
    unknown = [name for name in config.sabotages if name not in CATALOGUE]
    if unknown:
        raise ConfigurationError(f"unknown sabotage {unknown[0]!r}", hint=f"known: {', '.join(CATALOGUE)}")
    _check_certificate(config)
    give_back_freed_memory()
    connections = connections_within(raise_descriptor_limit())
    with held_data_folder(config.database_path):
        admit_sabotage(config.database_path, config.sabotages)
        if config.crashpoint is not None:
            admit_crash(config.database_path)
            crashpoints.arm(config.crashpoint)
        with bind(config.host, config.port) as listener:
            asyncio.run(_serve(config, listener, connections, announce))


def _check_certificate(config: ServerConfig) -> None:
    """Found out before anything is served; Granian would tell it by a traceback."""
    if config.tls_cert is None or config.tls_key is None:
        return
    try:
        # Without a password OpenSSL would ask the terminal for one.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(config.tls_cert, config.tls_key, password=lambda: "")
    except OSError as error:
        raise ConfigurationError(
            f"{config.tls_cert} and {config.tls_key} cannot be used for https: {error.strerror or error}",
            hint="both are PEM files, and the key is that of the first certificate, without a password",
        ) from error


async def _serve(
    config: ServerConfig, listener: socket.socket, connections: int, announce: Callable[[str], None]
) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    try:
        assembly = await assemble(config, request_shutdown=stopping.set)
    except StoreFault as fault:
        raise EnvironmentFault(
            f"data folder {config.database_path}: {fault}", hint="check its rights and free space"
        ) from fault
    logging.getLogger().addHandler(LogEvents(assembly.log_events, loop.call_soon_threadsafe))
    server = _SocketServer(assembly.served, listener, config, connections=connections)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    announce(ready_line(config, listener))
    loops = [asyncio.create_task(repeat(*loop), name=loop[0]) for loop in assembly.loops]
    serving = asyncio.create_task(server.serve())
    stopped = asyncio.create_task(stopping.wait())
    await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
    assembly.application.close_streams()
    loop.call_soon(server.stop)
    # Granian stops listening now and ends when its last connection does.
    await asyncio.wait({serving}, timeout=DRAIN_SECONDS)
    if abandoned := assembly.application.abandon():
        logger.warning("gave up %d requests that were not finished in %d seconds", abandoned, DRAIN_SECONDS)
    await assembly.application.wait_idle()
    for task in loops:
        task.cancel()
    await asyncio.wait(loops)
    await assembly.database.aclose()
    await asyncio.wait({serving}, timeout=1)
    stopped.cancel()
    if serving.done():
        serving.result()


def ready_line(config: ServerConfig, listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    scheme = "http" if config.tls_cert is None else "https"
    return f"nscr: listening on {scheme}://{shown}:{port} (data {config.database_path})"
