"""Latencies: exact nearest rank, from the intended start, of what was ok."""

import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nscr_cli.history.history import History
from nscr_cli.history.ops import F, Kind, Op, PushStyle
from nscr_cli.reporting.latency import distribution, latency_ms, nearest_rank, summarise

Operations = Callable[..., list[Op]]


@pytest.mark.parametrize(
    ("share", "value"), [(0, 15), (0.05, 15), (0.3, 20), (0.4, 20), (0.5, 35), (0.99, 50), (1, 50)]
)
def test_nearest_rank_by_the_book(share: float, value: float) -> None:
    assert nearest_rank([15, 20, 35, 40, 50], share) == value


@given(st.lists(st.floats(min_value=0, max_value=1e9), min_size=1), st.sampled_from([0.5, 0.9, 0.99, 0.999]))
def test_nearest_rank_is_the_smallest_that_covers_the_share(values: list[float], share: float) -> None:
    ascending = sorted(values)
    chosen = nearest_rank(ascending, share)
    assert sum(value <= chosen for value in values) >= math.ceil(share * len(values))
    assert sum(value < chosen for value in values) < math.ceil(share * len(values))


def test_distribution() -> None:
    values = [float(number) for number in range(1, 1001)]
    random.Random(7).shuffle(values)
    latency = distribution(values)
    assert latency is not None
    assert (latency.min_ms, latency.p50_ms, latency.p90_ms) == (1, 500, 900)
    assert latency.p95_ms == 950
    assert (latency.p99_ms, latency.p99_9_ms, latency.max_ms) == (990, 999, 1000)
    assert distribution([]) is None


def test_waiting_for_a_stalled_worker_counts(operation: Operations) -> None:
    (read,) = History(operation(0, start_ms=20, intended_ms=15, took_ms=8)).operations
    assert latency_ms(read) == 13


def test_each_operation_is_counted_once_and_only_ok_is_timed(operation: Operations) -> None:
    entries = [
        *operation(0, f=F.PUSH_BLOB, style=PushStyle.POST_PUT, took_ms=5),
        *operation(2, f=F.PUSH_BLOB, style=PushStyle.SINGLE_POST, took_ms=7),
        *operation(4, f=F.PUSH_BLOB, style=PushStyle.POST_PUT, took_ms=900, kind=Kind.FAIL),
        *operation(6, f=F.PUSH_BLOB, style=PushStyle.POST_PUT, took_ms=900, kind=Kind.INFO),
        *operation(8, f=F.LIST_TAGS, kind=Kind.FAIL),
    ]
    lists, post_put, single = summarise(History(entries).operations)
    assert (lists.f, lists.style, lists.fail, lists.latency) == ("list-tags", "", 1, None)
    assert (post_put.style, post_put.count, post_put.ok, post_put.fail, post_put.info) == ("post-put", 3, 1, 1, 1)
    assert post_put.latency is not None
    assert post_put.latency.max_ms == 5
    assert (single.style, single.count) == ("single-post", 1)
