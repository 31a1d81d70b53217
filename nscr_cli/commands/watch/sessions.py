"""`nscr watch sessions`: parses what is asked, and streams what monitors/streams/sessions.py makes of the answers."""

from functools import partial
from typing import Annotated

import typer

from nscr_cli.commands.options import (
    CaCert,
    Insecure,
    Password,
    PasswordStdin,
    ProxyUrl,
    RegistryUrls,
    Username,
    connections,
)
from nscr_cli.commands.watch.options import (
    PROBE_NAMESPACE,
    AsJson,
    Consent,
    Csv,
    For,
    Namespace,
    OnAlert,
    Probe,
    Prometheus,
    StuckAfter,
    wishes,
)
from nscr_cli.commands.watch.streaming import stream
from nscr_cli.durations import parse_duration
from nscr_cli.monitors.streams.sessions import SessionsFollower


def sessions(
    registry_url: RegistryUrls = None,
    interval: Annotated[str, typer.Option("--interval", metavar="TIME", help="How often to poll.")] = "5s",
    for_: For = None,
    csv: Csv = None,
    as_json: AsJson = False,
    stuck_after: StuckAfter = "10m",
    on_alert: OnAlert = None,
    prometheus: Prometheus = None,
    probe: Probe = None,
    namespace: Namespace = PROBE_NAMESPACE,
    i_may_torture: Consent = None,
    username: Username = None,
    password: Password = None,
    password_stdin: PasswordStdin = False,
    ca_cert: CaCert = None,
    insecure: Insecure = False,
    proxy: ProxyUrl = None,
) -> None:
    """Open uploads: opened, going on, closed; an alert for each that stands still.

    Exits 0 when all was well, 1 when there was an alert, 5 when a registry never
    answered.
    """
    reached = connections(
        registry_url or (),
        username=username,
        password=password,
        password_stdin=password_stdin,
        ca_cert=ca_cert,
        insecure=insecure,
        proxy=proxy,
    )
    asked = wishes(
        reached,
        interval,
        for_,
        csv,
        as_json=as_json,
        on_alert=on_alert,
        prometheus=prometheus,
        probe=probe,
        namespace=namespace,
        may_torture=i_may_torture or (),
    )
    stream(SessionsFollower, partial(SessionsFollower, stuck_after_s=parse_duration(stuck_after)), asked)
