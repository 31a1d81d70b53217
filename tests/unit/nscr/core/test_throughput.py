"""Rates of seconds, minutes, hours and days from counts that are seen now and then; each against a plain recount."""

from itertools import product

import pytest

from nscr.core.throughput import NOTHING, Peak, Point, Throughput, Traffic, Unit

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
MIDNIGHT = 20_000 * DAY


def add(throughput: Throughput, upload: int = 0, download: int = 0) -> None:
    throughput.counts.blob_upload.bytes += upload
    throughput.counts.manifest_download.bytes += download


def written(throughput: Throughput, unit: Unit) -> dict[int, tuple[int, int]]:
    """By the start of each unit, how much of it is told, and the bytes written."""
    return {point.start: (point.milliseconds, point.traffic.written) for point in throughput.history(unit)}


def test_what_is_read_and_what_is_written() -> None:
    throughput = Throughput(MIDNIGHT)
    for bytes_, count in enumerate(
        (
            throughput.counts.blob_upload,
            throughput.counts.blob_download,
            throughput.counts.manifest_upload,
            throughput.counts.manifest_download,
        ),
        start=1,
    ):
        count.bytes += 10**bytes_
    throughput.observe(MIDNIGHT + 1000)
    current = throughput.current()
    assert current == Traffic(10, 100, 1000, 10_000)
    assert (current.read, current.written) == (10_100, 1_010)


def test_a_second_is_told_when_it_is_over_and_then_gone() -> None:
    throughput = Throughput(MIDNIGHT)
    told = []
    for now in (0, 400, 999, 1000, 1999, 2000, 3000):
        add(throughput, upload=7 if now == 400 else 0)
        throughput.observe(MIDNIGHT + now)
        told.append(throughput.current().written)
    assert told == [0, 0, 0, 7, 7, 0, 0]


@pytest.mark.parametrize("offset", [0, 300, 59_000, HOUR - 1000, DAY - 2000, DAY - 1])
def test_whenever_it_is_observed_nothing_is_lost_and_units_agree(offset: int) -> None:
    for steps in product((1, 700, 1000, 2500), repeat=4):
        start = now = MIDNIGHT + offset
        throughput = Throughput(start)
        counted = 0
        for number, step in enumerate(steps):
            now += step
            add(throughput, upload=1001 * (number + 1))
            counted += 1001 * (number + 1)
            throughput.observe(now)
        throughput.observe(now // 1000 * 1000 + 1000)
        seconds = written(throughput, Unit.SECONDS)
        assert list(seconds) == list(range(start // 1000 * 1000, now // 1000 * 1000 + 1, 1000)), steps
        assert sum(bytes_ for _, bytes_ in seconds.values()) == counted, steps
        for unit in (Unit.MINUTES, Unit.HOURS, Unit.DAYS):
            assert written(throughput, unit) == recounted(seconds, unit), steps
        fastest = max(bytes_ for _, bytes_ in seconds.values())
        at = next(second for second, (_, bytes_) in seconds.items() if bytes_ == fastest)
        assert throughput.peaks.written == Peak(fastest, at), steps


def recounted(seconds: dict[int, tuple[int, int]], unit: Unit) -> dict[int, tuple[int, int]]:
    counted: dict[int, tuple[int, int]] = {}
    for second, (told, bytes_) in seconds.items():
        begun = second // unit.milliseconds * unit.milliseconds
        before = counted.get(begun, (0, 0))
        counted[begun] = (before[0] + told, before[1] + bytes_)
    return counted


@pytest.mark.parametrize(("late", "told"), [(0, (1000, 0)), (10, (1000, 0)), (11, (989, 11)), (600, (625, 375))])
def test_a_look_that_is_a_little_late_is_one_at_the_edge(late: int, told: tuple[int, int]) -> None:
    throughput = Throughput(MIDNIGHT)
    add(throughput, upload=1000)
    throughput.observe(MIDNIGHT + 1000 + late)
    throughput.observe(MIDNIGHT + 2000)
    assert tuple(bytes_ for _, bytes_ in written(throughput, Unit.SECONDS).values()) == told


def test_what_comes_between_two_looks_at_an_edge_is_of_the_new_second() -> None:
    throughput = Throughput(MIDNIGHT)
    throughput.observe(MIDNIGHT + 1003)
    add(throughput, upload=5)
    throughput.observe(MIDNIGHT + 1006)
    assert throughput.current() == NOTHING
    throughput.observe(MIDNIGHT + 2000)
    assert throughput.current().written == 5


def test_the_running_second_is_in_no_unit() -> None:
    throughput = Throughput(MIDNIGHT)
    add(throughput, upload=60)
    throughput.observe(MIDNIGHT + 2000)
    add(throughput, upload=1000)
    throughput.observe(MIDNIGHT + 2999)
    for unit in (Unit.MINUTES, Unit.HOURS, Unit.DAYS):
        assert written(throughput, unit) == {MIDNIGHT: (2000, 60)}
    throughput.observe(MIDNIGHT + 3000)
    for unit in (Unit.MINUTES, Unit.HOURS, Unit.DAYS):
        assert written(throughput, unit) == {MIDNIGHT: (3000, 1060)}


@pytest.mark.parametrize("offset", [0, 10, 5000, 59_010])
def test_before_the_first_second_is_over_there_is_no_history_and_no_peak(offset: int) -> None:
    throughput = Throughput(MIDNIGHT + offset)
    add(throughput, upload=5)
    throughput.observe(MIDNIGHT + offset + 980)
    assert [list(throughput.history(unit)) for unit in Unit] == [[], [], [], []]
    assert throughput.peaks.written == Peak()


@pytest.mark.parametrize(("unit", "kept"), [(Unit.SECONDS, 60), (Unit.MINUTES, 60), (Unit.HOURS, 24), (Unit.DAYS, 30)])
def test_so_many_units_are_kept_and_their_places_are_right(unit: Unit, kept: int) -> None:
    throughput = Throughput(MIDNIGHT)
    for number in range(kept + 5):
        add(throughput, upload=number + 1)
        throughput.observe(MIDNIGHT + number * unit.milliseconds + 1)
    now = MIDNIGHT + (kept + 5) * unit.milliseconds
    throughput.observe(now)
    points = list(throughput.history(unit))
    assert [point.start for point in points] == [now - back * unit.milliseconds for back in range(kept, 0, -1)]
    assert {point.milliseconds for point in points} == {unit.milliseconds}
    assert all(len(ring.held) <= each.kept + 1 for each, ring in throughput._rings.items())


@pytest.mark.parametrize("gap", [61_000, 2 * HOUR, 50 * HOUR, 400 * DAY, 4000 * DAY])
def test_idle_time_is_zeros_however_long_it_was(gap: int) -> None:
    throughput = Throughput(MIDNIGHT)
    add(throughput, upload=9)
    throughput.observe(MIDNIGHT + 1000)
    now = MIDNIGHT + gap
    throughput.observe(now)
    assert throughput.current() == NOTHING
    add(throughput, upload=5)
    throughput.observe(now + 1000)
    assert throughput.current().written == 5
    for unit in Unit:
        points = list(throughput.history(unit))
        assert len(points) == min(unit.kept, -(-(gap + 1000) // unit.milliseconds))
        assert [point.start for point in points] == [
            points[0].start + number * unit.milliseconds for number in range(len(points))
        ]
        assert points[-1].traffic.written == 5 + 9 * (points[-1].start == MIDNIGHT)
        quiet = points[:-1] if points[0].start > MIDNIGHT else points[1:-1]
        assert all(point.traffic == NOTHING for point in quiet)
    assert throughput.peaks.written == Peak(9, MIDNIGHT)


def test_what_is_observed_late_is_no_peak() -> None:
    throughput = Throughput(MIDNIGHT)
    add(throughput, upload=3600_000)
    throughput.observe(MIDNIGHT + HOUR)
    assert throughput.peaks.written.bytes == 1000
    assert throughput.current().written == 1000
    assert written(throughput, Unit.HOURS) == {MIDNIGHT: (HOUR, 3600_000)}
    assert set(written(throughput, Unit.MINUTES).values()) == {(MINUTE, 60_000)}


def test_each_peak_has_a_second_of_its_own() -> None:
    throughput = Throughput(MIDNIGHT)
    for number, (upload, download) in enumerate([(5, 1), (1, 8), (5, 8)]):
        add(throughput, upload=upload, download=download)
        throughput.observe(MIDNIGHT + 1000 * (number + 1))
    peaks = throughput.peaks
    assert (peaks.written, peaks.blob_upload) == (Peak(5, MIDNIGHT), Peak(5, MIDNIGHT))
    assert (peaks.read, peaks.manifest_download) == (Peak(8, MIDNIGHT + 1000), Peak(8, MIDNIGHT + 1000))
    assert (peaks.blob_download, peaks.manifest_upload) == (Peak(), Peak())


def test_a_clock_that_is_set_back_begins_the_history_anew() -> None:
    throughput = Throughput(MIDNIGHT + DAY)
    add(throughput, upload=9)
    throughput.observe(MIDNIGHT + DAY + 1000)
    add(throughput, upload=4)
    throughput.observe(MIDNIGHT)
    assert [list(throughput.history(unit)) for unit in Unit] == [[], [], [], []]
    throughput.observe(MIDNIGHT + 1000)
    assert list(throughput.history(Unit.DAYS)) == [Point(MIDNIGHT, 1000, Traffic(blob_upload=4))]
    assert throughput.peaks.written == Peak(9, MIDNIGHT + DAY)
