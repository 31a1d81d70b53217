"""Handlers of /api/throughput, and the beat of its stream: what nscr.core.throughput says, as documents.

Rates follow from time, so these documents have no ETag: each answer is new and small, and made from memory.
"""

from typing import Literal

import anyio
import msgspec

from nscr.core.throughput import SECOND, Peak, Point, Unit
from nscr.http import documents
from nscr.http.broadcast import Event
from nscr.http.messages import Request, Response
from nscr.http.services import Services

DIGITS = 3
"""Of the rates of long units: a manifest a day is not nothing."""


def _json(document: documents.Document) -> Response:
    return Response(200, {"Content-Type": "application/json"}, msgspec.json.encode(document))


def _current(services: Services) -> documents.ThroughputDocument:
    now = services.now()
    services.throughput.observe(now)
    traffic = services.throughput.current()
    return documents.ThroughputDocument(
        timestamp=now,
        read_bytes_per_second=traffic.read,
        write_bytes_per_second=traffic.written,
        blob=documents.DirectionsDocument(
            upload_bytes_per_second=traffic.blob_upload, download_bytes_per_second=traffic.blob_download
        ),
        manifest=documents.DirectionsDocument(
            upload_bytes_per_second=traffic.manifest_upload, download_bytes_per_second=traffic.manifest_download
        ),
    )


async def get_current(services: Services, request: Request) -> Response:
    """Bytes a second in the last whole second."""
    return _json(_current(services))


def _point(point: Point) -> documents.ThroughputPointDocument:
    def rate(count: int) -> float:
        return round(count * SECOND / point.milliseconds, DIGITS)

    traffic = point.traffic
    return documents.ThroughputPointDocument(
        timestamp=point.start,
        duration=point.milliseconds,
        read_bytes_per_second=rate(traffic.read),
        write_bytes_per_second=rate(traffic.written),
        blob=documents.DirectionsDocument(
            upload_bytes_per_second=rate(traffic.blob_upload), download_bytes_per_second=rate(traffic.blob_download)
        ),
        manifest=documents.DirectionsDocument(
            upload_bytes_per_second=rate(traffic.manifest_upload),
            download_bytes_per_second=rate(traffic.manifest_download),
        ),
    )


def _history(services: Services, unit: Unit, name: Literal["minutes", "hours", "days"]) -> Response:
    now = services.now()
    services.throughput.observe(now)
    points = [_point(point) for point in services.throughput.history(unit)]
    return _json(documents.ThroughputHistoryDocument(timestamp=now, unit=name, points=points))


async def get_minutes(services: Services, request: Request) -> Response:
    """Bytes a second in each of the last 60 minutes, oldest first, since the server started."""
    return _history(services, Unit.MINUTES, "minutes")


async def get_hours(services: Services, request: Request) -> Response:
    """The same of the last 24 hours."""
    return _history(services, Unit.HOURS, "hours")


async def get_days(services: Services, request: Request) -> Response:
    """The same of the last 30 days."""
    return _history(services, Unit.DAYS, "days")


def _peak_directions(upload: Peak, download: Peak) -> documents.PeakDirectionsDocument:
    return documents.PeakDirectionsDocument(
        upload_bytes_per_second=upload.bytes,
        download_bytes_per_second=download.bytes,
        upload_at=upload.at,
        download_at=download.at,
    )


async def get_peak(services: Services, request: Request) -> Response:
    """The most bytes in one second since the server started, and when that was."""
    now, throughput = services.now(), services.throughput
    throughput.observe(now)
    peaks = throughput.peaks
    return _json(
        documents.ThroughputPeakDocument(
            timestamp=now,
            since=throughput.started,
            read_bytes_per_second=peaks.read.bytes,
            write_bytes_per_second=peaks.written.bytes,
            read_at=peaks.read.at,
            write_at=peaks.written.at,
            blob=_peak_directions(peaks.blob_upload, peaks.blob_download),
            manifest=_peak_directions(peaks.manifest_upload, peaks.manifest_download),
        )
    )


async def tell_second(services: Services) -> None:
    """Wait for the end of the second, book it, and tell those who listen."""
    # A millisecond more, for a timer knows nothing of the clock's edges.
    await anyio.sleep((SECOND - services.now() % SECOND + 1) / 1000)
    document = _current(services)
    if services.throughput_events.clients:
        services.throughput_events.publish(Event("throughput", msgspec.json.encode(document)))
