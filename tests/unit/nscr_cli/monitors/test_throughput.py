"""The document of `nscr serve` is read as it is; others by the names of numbers, and nothing that no name says."""

import json
from typing import Any

import pytest

from nscr_cli.monitors.throughput import Rates, rates_in


def test_the_document_of_nscr_serve() -> None:
    document = {
        "timestamp": 1_700_000_000_000,
        "readBytesPerSecond": 90,
        "writeBytesPerSecond": 5.5,
        "blob": {"uploadBytesPerSecond": 4, "downloadBytesPerSecond": 80},
        "manifest": {"uploadBytesPerSecond": 1.5, "downloadBytesPerSecond": 10},
    }
    assert rates_in(json.dumps(document).encode()) == Rates(90, 5.5)
    more = {**document, "totalReadBytes": 10**9, "totalWriteBytes": 10**9}
    assert rates_in(json.dumps(more).encode()) == Rates(90, 5.5)


@pytest.mark.parametrize(
    ("document", "rates"),
    [
        ({"blobUpload": 5, "blobDownload": 7.5, "manifestUpload": 1, "manifestDownload": 0}, Rates(7.5, 6)),
        ({"blob": {"upload": 5, "download": 7}, "manifest": {"upload": 1, "download": 2}}, Rates(9, 6)),
        ({"readBytesPerSecond": 10, "writeBytesPerSecond": 0, "timestamp": 1700000000000}, Rates(10, 0)),
        ({"read": {"total": 9, "blob": 8, "manifest": 1}, "write": {"total": 3, "blob": 3}}, Rates(9, 3)),
        ({"read": 9, "parts": {"read": 4}, "peakRead": 99, "readCount": 12}, Rates(9, None)),
        ({"upload": 4, "thread": 3, "spread": 8, "already": 1}, Rates(None, 4)),
    ],
)
def test_rates(document: dict[str, Any], rates: Rates) -> None:
    assert rates_in(json.dumps(document).encode()) == rates


@pytest.mark.parametrize(
    "document", [{}, [], {"uploads": "many"}, {"upload": True}, {"other": 5}, None, {"uploadCount": 4}]
)
def test_no_rates(document: Any) -> None:
    assert rates_in(json.dumps(document).encode()) is None


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff{"])
def test_no_document(body: bytes) -> None:
    assert rates_in(body) is None
