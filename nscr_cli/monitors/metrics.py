"""The metrics of `nscr watch --prometheus` as a table, from which docs/watching.md is made. Pure.

Named by Prometheus conventions: base units, `_total` for what only grows. Each has the label `registry`. A figure that
the view does not ask for, or that had no usable answer in the last round, has no sample: nothing old is shown as if it
were of now.
"""

from enum import StrEnum

import msgspec


class Type(StrEnum):
    """Prometheus types that are used."""

    GAUGE = "gauge"
    COUNTER = "counter"


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """One metric.

    Attributes:
        figure: the figure of a view's report that it shows, where it shows one; a counter adds up.
        label: besides `registry`.
    """

    name: str
    help: str
    type: Type = Type.GAUGE
    figure: str | None = None
    label: str | None = None


def _figure(name: str, figure: str, what: str, type_: Type = Type.GAUGE) -> Metric:
    return Metric(name=f"nscr_registry_{name}", help=what, type=type_, figure=figure)


UP = Metric(name="nscr_registry_up", help="1 when the last round of polls was answered")
HEALTHY = Metric(name="nscr_registry_healthy", help="1 when the registry calls itself healthy, 0 for anything else")
ANSWER = Metric(name="nscr_registry_answer_seconds", help="the slowest answer of the last round")
LAST_ANSWER = Metric(name="nscr_registry_last_answer_timestamp_seconds", help="when a round was last answered")
POLLS = Metric(
    name="nscr_registry_polls_total",
    help="polls, by result: answered, unchanged (304), silent",
    type=Type.COUNTER,
    label="result",
)
ALERTS = Metric(name="nscr_alerts_total", help="alerts since the watch began", type=Type.COUNTER, label="rule")
NOTICES = Metric(
    name="nscr_notices_total",
    help="what is worth telling and no failure, such as a restart",
    type=Type.COUNTER,
    label="rule",
)
FIRING = Metric(name="nscr_alerts_firing", help="alerts that are not over", label="rule")
PROBE_UP = Metric(name="nscr_probe_up", help="1 when the last probe pushed, saw, pulled and found the one before")
PROBES = Metric(
    name="nscr_probes_total",
    help="probes, by result: ok, failed, throttled (429)",
    type=Type.COUNTER,
    label="result",
)
PROBE_STEP = Metric(
    name="nscr_probe_step_seconds",
    help="duration of each step of the last probe: push, visible, pull, kept",
    label="step",
)
PROBE_FAILED = Metric(
    name="nscr_probe_failed", help="1 for a step of the last probe that failed, 0 for one that succeeded", label="step"
)
LAST_SUCCESS = Metric(name="nscr_probe_last_success_timestamp_seconds", help="when a probe last succeeded")

FIGURES = (
    _figure("uptime_seconds", "uptime_s", "since the registry started"),
    _figure("repositories", "repositories", "totalRepositories"),
    _figure("tags", "tags", "tags of all repositories"),
    _figure("tags_without_manifest", "tags_without_manifest", "tags whose manifest is gone"),
    _figure("manifests", "manifests", "totalManifests"),
    _figure("blobs", "blobs", "totalBlobs"),
    _figure("unreferenced_blobs", "unreferenced_blobs", "unreferencedBlobs"),
    _figure("orphaned_manifests", "orphaned_manifests", "orphanedManifests"),
    _figure("space_to_free_bytes", "space_to_free", "estimatedSpaceToFree"),
    _figure("open_uploads", "open_uploads", "open upload sessions"),
    _figure("oldest_upload_seconds", "oldest_upload_s", "age of the oldest of them"),
    _figure("longest_idle_upload_seconds", "longest_idle_s", "how long the one stands still that does so longest"),
    _figure("uploads_received_bytes", "bytes_received", "bytes that open uploads hold"),
    _figure("uploads_opened_total", "opened", "uploads that were opened since the watch began", Type.COUNTER),
    _figure("uploads_closed_total", "closed", "uploads that were closed since", Type.COUNTER),
    _figure("blobs_created_total", "created", "blobs that came since the watch began", Type.COUNTER),
    _figure("blobs_created_bytes_total", "created_bytes", "their bytes", Type.COUNTER),
    _figure("blobs_deleted_total", "deleted", "blobs that went since", Type.COUNTER),
    _figure("log_stream_clients", "log_stream_clients", "logStreamClients"),
    _figure("generation", "generation", "grows with every committed change, where the registry has it"),
)
PROBE_METRICS = (PROBE_UP, PROBE_STEP, PROBE_FAILED, PROBES, LAST_SUCCESS)
METRICS = (UP, HEALTHY, ANSWER, LAST_ANSWER, POLLS, ALERTS, FIRING, NOTICES, *FIGURES, *PROBE_METRICS)
