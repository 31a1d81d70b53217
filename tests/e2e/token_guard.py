"""A token server, and the guard that lets only its tokens through to a registry: as Harbor and Docker Hub have it.

Tokens are opaque and end; each allows what was asked for and no more. What the guard lets through reaches the registry
as it came, and so do the answers.
"""

import base64
import json
import re
import secrets
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

_REPOSITORY = re.compile(r"/v2/(.+?)/(?:blobs|manifests|tags|referrers)/")
_HOP = {"connection", "keep-alive", "transfer-encoding", "date", "server"}


class Guard(ThreadingHTTPServer):
    """Stands before a registry.

    Attributes:
        asked: scopes that tokens were asked for, and how often.
        refused: requests that carried a token which had ended.
        issued: every token.
        projects: the only ones that there are, where that matters; what lies elsewhere is refused as Harbor does it.
        levels: most levels that a name may have, where that matters.
    """

    request_queue_size = 128

    def __init__(self, registry: str, username: str, password: str, *, life_s: float, told_life_s: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.registry = urlsplit(registry).netloc
        self.basic = "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()
        self.life_s = life_s
        self.told_life_s = told_life_s
        self.asked: Counter[str] = Counter()
        self.refused = 0
        self.issued: dict[str, tuple[str, float]] = {}
        self.projects: tuple[str, ...] = ()
        self.levels: int | None = None
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def end_tokens(self) -> None:
        """From now on those that were issued are refused."""
        for token, (scope, _) in self.issued.items():
            self.issued[token] = (scope, 0.0)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Guard
    _upstream: HTTPConnection | None = None

    def finish(self) -> None:
        """The client hung up."""
        super().finish()
        if self._upstream is not None:
            self._upstream.close()

    def _serve(self) -> None:
        body = self._body()
        if self.path.startswith("/token"):
            self._issue()
        elif self._may_pass(scope := self._scope()):
            if (refused := self._misplaced()) is not None:
                self._answer(404, [], json.dumps({"errors": [{"code": "NOT_FOUND", "message": refused}]}).encode())
            else:
                self._pass(body)
        else:
            challenge = f'Bearer realm="{self.server.url}/token",service="guarded",scope="{scope}"'
            self._answer(401, [("WWW-Authenticate", challenge)], b'{"errors":[{"code":"UNAUTHORIZED"}]}')

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 (the names are http.server's)

    def log_message(self, *args: object) -> None:
        pass

    def _scope(self) -> str:
        url = urlsplit(self.path)
        found = _REPOSITORY.search(url.path)
        if found is None:
            return ""
        action = {"GET": "pull", "HEAD": "pull", "DELETE": "delete"}.get(self.command, "pull,push")
        source = parse_qs(url.query).get("from")
        return f"repository:{found[1]}:{action}" + (f" repository:{source[0]}:pull" if source else "")

    def _misplaced(self) -> str | None:
        found = _REPOSITORY.search(urlsplit(self.path).path)
        if found is None:
            return None
        levels = found[1].split("/")
        if self.server.projects and levels[0] not in self.server.projects:
            return f"project {levels[0]} not found"
        is_deep = self.server.levels is not None and len(levels) > self.server.levels
        return f"{found[1]} has too many levels" if is_deep else None

    def _may_pass(self, scope: str) -> bool:
        allowed, until = self.server.issued.get(self.headers.get("Authorization", "").removeprefix("Bearer "), ("-", 0))
        if allowed == scope and time.monotonic() >= until:
            self.server.refused += 1
        return allowed == scope and time.monotonic() < until

    def _issue(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        if self.headers.get("Authorization") != self.server.basic or asked.get("service") != ["guarded"]:
            self._answer(401, [], b"{}")
            return
        scope, token = " ".join(asked.get("scope", ())), secrets.token_urlsafe(24)
        self.server.asked[scope] += 1
        self.server.issued[token] = (scope, time.monotonic() + self.server.life_s)
        self._answer(200, [], json.dumps({"token": token, "expires_in": self.server.told_life_s}).encode())

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _pass(self, body: bytes) -> None:
        if self._upstream is None:
            self._upstream = HTTPConnection(self.server.registry, timeout=30)
        kept = {name: value for name, value in self.headers.items() if name.lower() not in {*_HOP, "authorization"}}
        self._upstream.request(self.command, self.path, body, kept | {"Content-Length": str(len(body))})
        answer = self._upstream.getresponse()
        headers = [(name, value) for name, value in answer.getheaders() if name.lower() not in _HOP]
        self._answer(answer.status, headers, answer.read())

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if not any(name.lower() == "content-length" for name, _ in headers) and status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()


@contextmanager
def guarded(registry: str, username: str, password: str, *, life_s: float, told_life_s: int) -> Iterator[Guard]:
    """A guard before the registry while the block runs.

    Args:
        life_s: after so many seconds a token is refused; `told_life_s` is what its holder is told.
    """
    with Guard(registry, username, password, life_s=life_s, told_life_s=told_life_s) as guard:
        thread = threading.Thread(target=guard.serve_forever)
        thread.start()
        try:
            yield guard
        finally:
            guard.shutdown()
            thread.join()
