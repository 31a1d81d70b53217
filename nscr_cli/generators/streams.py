"""Streams of chance, each derived from the run's seed and a purpose.

A stream of its own for every purpose keeps draws independent: one more draw somewhere moves nothing elsewhere, and a
generator can derive its stream again instead of carrying mutable state along.
"""

import random


def stream(seed: int, *purpose: int | str) -> random.Random:
    """The stream for this purpose; equal arguments give equal streams, on every Python."""
    return random.Random("/".join(map(str, (seed, *purpose))))
