"""From what became of the deciding exchange to the outcome of its operation: a pure table.

`fail` is said only of what certainly did not happen: nothing of the request left us, or the registry refused it. A
write that may have been acted upon and was not clearly answered is `info`. A read has no effect: one that brought
nothing reliable is `fail`, and one answered 404 has seen that nothing is there, which is `ok`; but for a list of
referrers or repositories, which is empty where there are none, and never 404 (spec.md#listing-referrers). Statuses are
those of spec.md#api; what other 2xx mean on a write, nobody promises.
"""

from nscr_cli.history.ops import F, Kind

READS = frozenset(
    {
        F.GET_BLOB,
        F.HEAD_BLOB,
        F.GET_MANIFEST,
        F.HEAD_MANIFEST,
        F.LIST_TAGS,
        F.LIST_PAGE,
        F.LIST_CATALOG,
        F.LIST_REFERRERS,
        F.GET_UPLOAD,
    }
)

ACKNOWLEDGED: dict[F, frozenset[int]] = {
    F.PUSH_BLOB: frozenset({201, 204}),
    F.MOUNT_BLOB: frozenset({201}),
    F.START_UPLOAD: frozenset({202}),
    F.PATCH_UPLOAD: frozenset({200, 201, 202, 204}),
    F.FINISH_UPLOAD: frozenset({201, 204}),
    F.CANCEL_UPLOAD: frozenset({200, 202, 204}),
    F.PUT_MANIFEST: frozenset({200, 201, 204}),
    F.DELETE_BLOB: frozenset({200, 202, 204}),
    F.DELETE_TAG: frozenset({200, 202, 204}),
    F.DELETE_MANIFEST: frozenset({200, 202, 204}),
}

_ANSWERS: dict[F, tuple[int, ...]] = {
    F.LIST_REFERRERS: (200,),
    F.LIST_CATALOG: (200,),
    F.GET_UPLOAD: (200, 202, 204, 404),
}

# The server knows neither the method nor the protocol: it did nothing. Any other 5xx may come after the deed.
NOT_IMPLEMENTED = frozenset({501, 505})
# A time-out of the server, or of a proxy that says who hung up first: what was sent may have been acted upon.
TIMED_OUT = frozenset({408, 499})


def kind_of(f: F, *, status: int | None, is_complete: bool, was_sent: bool) -> Kind:
    """The outcome of an operation whose deciding exchange is over.

    Args:
        status: of the final response, once its head had come.
        is_complete: head and body came whole.
        was_sent: at least one byte of the request may have left us.
    """
    if f in READS:
        return _kind_of_read(f, status, is_complete)
    if status is None:
        return Kind.INFO if was_sent else Kind.FAIL
    if status in ACKNOWLEDGED[f]:
        return Kind.OK
    if f is F.MOUNT_BLOB and status == 202:
        return Kind.FAIL  # an upload session was opened instead (spec.md#mounting-a-blob-from-another-repository)
    if (300 <= status < 500 and status not in TIMED_OUT) or status in NOT_IMPLEMENTED:
        return Kind.FAIL
    return Kind.INFO


def _kind_of_read(f: F, status: int | None, is_complete: bool) -> Kind:
    return Kind.OK if is_complete and status in _ANSWERS.get(f, (200, 206, 404)) else Kind.FAIL
