"""Ports that stay free while nobody listens on them: for servers that end and come back, or start by themselves.

A port that the kernel chose is one that it may give to anybody as soon as it is closed; these it gives to nobody.
"""

import random
import socket
from pathlib import Path

_LEAST = 10_000


def unclaimed_port() -> int:
    """A port of loopback below those that the kernel gives away, and on which nobody listens now."""
    lowest_given = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert lowest_given > 2 * _LEAST, "this machine gives away nearly all of its ports"
    while True:
        port = random.SystemRandom().randrange(_LEAST, lowest_given)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
