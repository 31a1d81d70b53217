"""Bodies of refusals: spec.md#error-codes lets a 4xx have a body in any format; one that is JSON has the format given
there, and its code is one of those given there.

The codes of Docker's API are taken besides the specification's fourteen, because it descends from that API and says
that clients meet some of them. Which code goes with which case the specification does not say: that is counted, and
judged of the registry that the run started alone, which says so of itself.
"""

from collections.abc import Iterable

from nscr_cli.checkers.tally import Tallies
from nscr_cli.checkers.verdict import Finding
from nscr_cli.checkers.wording import told
from nscr_cli.history.history import Operation
from nscr_cli.history.ops import ErrorForm, F

SPECIFIED_CODES = frozenset(
    {
        "BLOB_UNKNOWN",
        "BLOB_UPLOAD_INVALID",
        "BLOB_UPLOAD_UNKNOWN",
        "DIGEST_INVALID",
        "MANIFEST_BLOB_UNKNOWN",
        "MANIFEST_INVALID",
        "MANIFEST_UNKNOWN",
        "NAME_INVALID",
        "NAME_UNKNOWN",
        "SIZE_INVALID",
        "UNAUTHORIZED",
        "DENIED",
        "UNSUPPORTED",
        "TOOMANYREQUESTS",
    }
)
# Docker Registry HTTP API V2, errors; the first two are of spec.md#legacy-docker-support-error-codes.
DOCKER_CODES = frozenset(
    {
        "TAG_INVALID",
        "MANIFEST_UNVERIFIED",
        "PAGINATION_NUMBER_INVALID",
        "RANGE_INVALID",
        "UNAVAILABLE",
        "UNKNOWN",
    }
)

_FORMAT = "spec.md#error-codes: an error body in JSON is a list of errors, each with a code"
_CODE = "spec.md#error-codes: the code is one of those that the specification lists"
_OURS = "spec.md#error-codes: a code says what is wrong; the registry that the run started gives each case its own"
_TYPE = "RFC 9110, 8.3: Content-Type says of what media type the content is"
_SHOWN = 5
_JSON = ("application/json", "text/json")
_CASES: dict[F, frozenset[str]] = {
    **dict.fromkeys((F.GET_BLOB, F.HEAD_BLOB, F.DELETE_BLOB), frozenset({"BLOB_UNKNOWN", "NAME_UNKNOWN"})),
    **dict.fromkeys(
        (F.GET_MANIFEST, F.HEAD_MANIFEST, F.DELETE_MANIFEST, F.DELETE_TAG),
        frozenset({"MANIFEST_UNKNOWN", "NAME_UNKNOWN"}),
    ),
    **dict.fromkeys((F.LIST_TAGS, F.LIST_PAGE), frozenset({"NAME_UNKNOWN"})),
    **dict.fromkeys(
        (F.PATCH_UPLOAD, F.GET_UPLOAD, F.FINISH_UPLOAD, F.CANCEL_UPLOAD),
        frozenset({"BLOB_UPLOAD_UNKNOWN", "NAME_UNKNOWN"}),
    ),
    F.PUT_MANIFEST: frozenset({"MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN", "MANIFEST_UNKNOWN", "NAME_UNKNOWN"}),
}
# spec.md#endpoints; what any HTTP server may say besides (RFC 9110, 15.5; RFC 6585).
_STATUSES = frozenset({400, 401, 403, 404, 405, 406, 408, 409, 411, 412, 413, 414, 415, 416, 417, 426, 428, 429, 431})


class ErrorAnswers:
    """Judges answers of 4xx one by one, and counts what nobody promised.

    Args:
        is_ours: the run started the registry itself.
    """

    def __init__(self, *, is_ours: bool = False) -> None:
        self._is_ours = is_ours
        self._wrong: Tallies[tuple[str, str, str]] = Tallies(_SHOWN)
        self.evidence = dict.fromkeys(
            (
                "error-bodies",
                "errors-not-in-json",
                "errors-not-called-json",
                "codes-beside-the-case",
                "unusual-statuses",
            ),
            0,
        )

    def take(self, one: Operation) -> None:
        """One more answer of 4xx."""
        answered = one.answered
        if one.faults:
            return  # whoever mutilated it may have answered it
        self.evidence["unusual-statuses"] += answered.status not in _STATUSES
        is_called_json = (answered.media_type or "").partition(";")[0].strip().lower() in _JSON
        code = answered.error_code
        if code is not None:
            self.evidence["error-bodies"] += 1
            self.evidence["errors-not-called-json"] += not is_called_json
            cases = _CASES.get(one.f)
            is_beside = answered.status == 404 and cases is not None and code not in cases
            self.evidence["codes-beside-the-case"] += is_beside
            is_mismatch = answered.status == 400 and one.asked.wrong_bytes and one.f in (F.PUSH_BLOB, F.FINISH_UPLOAD)
            if self._is_ours and (is_beside or (is_mismatch and code != "DIGEST_INVALID")):
                self._wrong.add(
                    ("wrong-error-code", _OURS, f"{one.f} answered {answered.status} with the code {code!r}"), one
                )
            if code not in SPECIFIED_CODES and code not in DOCKER_CODES:
                self._wrong.add(
                    ("unknown-error-code", _CODE, f"answered {answered.status} with the code {code!r}"), one
                )
        elif answered.error_form is ErrorForm.OTHER_JSON:
            why = f"answered {answered.status} with JSON that is no list of errors"
            self._wrong.add(("malformed-error", _FORMAT, why), one)
        elif answered.error_form is ErrorForm.NOT_JSON:
            self.evidence["errors-not-in-json"] += 1
            if is_called_json:
                why = f"answered {answered.status} with {answered.media_type}, and the body is not JSON"
                self._wrong.add(("malformed-error", _TYPE, why), one)

    def findings(self) -> Iterable[Finding]:
        """One for each thing that is wrong, with a few operations."""
        for (rule, clause, why), tally in self._wrong.by_group.items():
            yield Finding(
                checker="protocol",
                rule=rule,
                key=tally.key or "registry",
                operations=tuple(one.index for one in tally.first),
                clause=clause,
                explanation=f"{tally.count} requests {why}, e.g. {told(tally.first[0])}.",
            )
