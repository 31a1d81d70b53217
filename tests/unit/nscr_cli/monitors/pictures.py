"""Pictures of a run for tests of how they look."""

from nscr_cli.history.ops import F
from nscr_cli.monitors.progress import OperationCount, Progress, RegistryFigures


def picture(**changed: object) -> Progress:
    """A run in its middle, with every kind of operation; and what is changed of it."""
    facts: dict[str, object] = {
        "run": "mixed · seed 42",
        "target": "http://127.0.0.1:5000",
        "phase": "main",
        "phase_s": 1.5,
        "elapsed_s": 12.0,
        "total_s": 20.0,
        "workers": 8,
        "operations": tuple(
            OperationCount(f=f.value, ok=12345, fail=7, info=1, p50_ms=3.21, p95_ms=56.7, p99_ms=1234.5) for f in F
        ),
        "rates": (900.0, 1000.0, 1100.0),
        "latencies_ms": (10.0, None, 20.0),
        "p50_ms": 3.2,
        "p95_ms": 40.0,
        "p99_ms": 120.4,
        "is_monitored": True,
        "registry": RegistryFigures(status="healthy", repositories=3, manifests=15, blobs=45, open_uploads=2),
    }
    return Progress(**(facts | changed))  # type: ignore[arg-type]
