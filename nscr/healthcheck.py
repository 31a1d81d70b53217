"""`python -m nscr.healthcheck`: asks the registry of this container for its health; for HEALTHCHECK in the Dockerfile.

It reads the settings that the registry was started with from the same environment. Standard library only: it is run
every few seconds. Exit 0: the registry works (degraded is work); 1: it does not, or does not answer.
"""

import base64
import json
import ssl
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping

SECONDS = 4.0
WORKS = frozenset({"healthy", "degraded"})


def request_for(environment: Mapping[str, str]) -> urllib.request.Request:
    """What to ask, where the registry listens, with the credentials that it asks for."""
    host = environment.get("NSCR_HOST", "127.0.0.1")
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - every address includes loopback
    scheme = "https" if environment.get("NSCR_TLS_CERT") else "http"
    place = f"[{host}]" if ":" in host else host
    url = f"{scheme}://{place}:{environment.get('NSCR_PORT', '7000')}/api/registry/health"
    request = urllib.request.Request(url)  # noqa: S310 - the scheme is one of the two above
    user, password = environment.get("NSCR_AUTH_USERNAME"), environment.get("NSCR_AUTH_PASSWORD")
    if user and password:
        request.add_header("Authorization", "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode())
    return request


def judge(status: int, body: bytes, *, has_credentials: bool) -> tuple[bool, str]:
    """Whether it works, and in a line what it said."""
    if status == 401 and not has_credentials:
        return True, "answers, and asks for credentials that are not in this environment (an htpasswd file?)"
    try:
        document = json.loads(body)
        health, warnings = document["status"], document["warnings"]
    except (ValueError, TypeError, KeyError):
        return False, f"answers {status} with something that is no health document"
    return status == 200 and health in WORKS, ", ".join([f"{health}", *map(str, warnings)])


def main(environment: Mapping[str, str]) -> int:
    request = request_for(environment)
    # It is this very container, whatever name its certificate has.
    context = ssl._create_unverified_context()  # noqa: S323
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    try:
        try:
            with opener.open(request, timeout=SECONDS) as reply:
                status, body = reply.status, reply.read()
        except urllib.error.HTTPError as refused:
            with refused:
                status, body = refused.code, refused.read()
    except OSError as error:
        print(f"does not answer: {error}")
        return 1
    works, said = judge(status, body, has_credentials=request.has_header("Authorization"))
    print(said)
    return 0 if works else 1


if __name__ == "__main__":
    import os

    sys.exit(main(os.environ))
