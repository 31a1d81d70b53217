"""How a target is dialed: plain TCP, or TLS with the certificates that its user trusts; through a proxy if need be."""

import ssl

from nscr_cli.client.target import Target
from nscr_cli.errors import UsageError
from nscr_cli.wire.dialing import Dialer, TcpDialer, TlsDialer
from nscr_cli.wire.messages import Headers
from nscr_cli.wire.tunnels import FixedDialer, TunnelDialer


def dialer_for(target: Target) -> Dialer:
    """The dialer for a target's scheme.

    Raises:
        UsageError: the file of certificates cannot be used.
    """
    proxy = target.way
    if target.scheme == "http":
        return TcpDialer() if proxy is None else FixedDialer(proxy.host, proxy.port)
    below = TcpDialer() if proxy is None else TunnelDialer(FixedDialer(proxy.host, proxy.port), proxy.headers)
    return TlsDialer(tls_context(target), below)


def forwarding(target: Target) -> tuple[str, Headers]:
    """What goes before the target of each request, and the headers that go with it, where a proxy passes requests on.

    Empty for what is reached directly, and for https, whose bytes a proxy passes on unread.
    """
    proxy = target.way
    if proxy is None or target.scheme == "https":
        return "", ()
    return f"http://{target.authority}", proxy.headers


def tls_context(target: Target) -> ssl.SSLContext:
    """TLS settings of a target: verified unless its user said otherwise.

    Raises:
        UsageError: the file of certificates cannot be used.
    """
    try:
        context = ssl.create_default_context(cafile=str(target.ca_cert) if target.ca_cert else None)
    except OSError as error:
        raise UsageError(
            f"{target.ca_cert}: cannot be used as a file of certificates: {error.strerror or error}",
            hint="--ca-cert takes a readable PEM file",
        ) from error
    if not target.is_verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
