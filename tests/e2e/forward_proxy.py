"""An HTTP proxy as companies have them: requests in absolute form are passed on, CONNECT opens a tunnel.

It alone knows where hosts are: every name leads to this machine. Without the right Proxy-Authorization it answers 407.
"""

import base64
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from urllib.parse import urlsplit


class ForwardProxy:
    """Attributes:
    asked: method and origin of each request, as it came.
    """

    def __init__(self, user_info: str) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._expected = "basic " + base64.b64encode(user_info.encode()).decode().lower()
        self.asked: list[tuple[str, str]] = []
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"

    def serve(self) -> None:
        """Until closed."""
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._connection, args=(client,), daemon=True).start()

    def close(self) -> None:
        """Accept no more."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _connection(self, client: socket.socket) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with client, client.makefile("rb") as received, ExitStack() as opened, suppress(OSError):
            upstream: socket.socket | None = None
            while line := received.readline():
                method, target, _ = line.decode("latin-1").split(" ", 2)
                fields = []
                while (field := received.readline()) != b"\r\n":
                    fields.append(field)
                told = {
                    name.lower(): value.strip()
                    for name, _, value in (f.decode("latin-1").partition(":") for f in fields)
                }
                origin = target if method == "CONNECT" else urlsplit(target).netloc
                self.asked.append((method, origin))
                if told.get("proxy-authorization", "").lower() != self._expected:
                    client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                    return
                if upstream is None:
                    upstream = opened.enter_context(
                        socket.create_connection(("127.0.0.1", int(origin.rpartition(":")[2])))
                    )
                    upstream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    threading.Thread(target=_pump, args=(upstream, client), daemon=True).start()
                if method == "CONNECT":
                    client.sendall(b"HTTP/1.1 200 Connection Established\r\n\r\n")
                    _pump(client, upstream)
                    return
                path = target.partition("://")[2].partition("/")[2]
                kept = [field for field in fields if not field.lower().startswith(b"proxy-authorization:")]
                upstream.sendall(b"".join((f"{method} /{path} HTTP/1.1\r\n".encode("latin-1"), *kept, b"\r\n")))
                if told.get("transfer-encoding") == "chunked":
                    while size := int(line := received.readline(), 16):
                        upstream.sendall(line + received.read(size + 2))
                    upstream.sendall(line + received.readline())
                else:
                    left = int(told.get("content-length", 0))
                    while left:
                        piece = received.read(min(left, 65536))
                        upstream.sendall(piece)
                        left -= len(piece)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
    for one in (source, sink):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


@contextmanager
def forward_proxy(user_info: str) -> Iterator[ForwardProxy]:
    """A proxy while the block runs."""
    proxy = ForwardProxy(user_info)
    thread = threading.Thread(target=proxy.serve)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join()
