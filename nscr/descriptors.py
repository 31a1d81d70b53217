"""How many connections may be open, by the file descriptors that this process may have.

A server that runs out of descriptors fails wherever it opens its next file, and spins at its door meanwhile. So the
door stays shut beyond what can be served: further connections wait in the listener's queue.
"""

import resource

from nscr.errors import EnvironmentFault

MOST_CONNECTIONS = 2048
WANTED = 2 * MOST_CONNECTIONS + 256
"""Each connection may hold a blob or an upload open besides its socket."""

RESERVED = 160
"""Threads' database connections (with their log and index), the log, the lock, and whatever the runtimes keep."""


def connections_within(limit: int) -> int:
    """How many connections a limit of descriptors allows.

    Raises:
        EnvironmentFault: hardly any.
    """
    connections = min(MOST_CONNECTIONS, (limit - RESERVED) // 2)
    if connections < 16:
        raise EnvironmentFault(
            f"only {limit} files may be open, at least {RESERVED + 32} are needed", hint="raise it with ulimit -n"
        )
    return connections


def raise_descriptor_limit() -> int:
    """Take as many descriptors as are wanted and allowed, and return how many there may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        return allowed
    return WANTED if soft == resource.RLIM_INFINITY else soft
