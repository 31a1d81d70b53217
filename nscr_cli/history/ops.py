"""The vocabulary of a history: operations as they are asked and as they end, events, and monitoring samples.

An operation is invoked once and ends at most once: `ok` (it happened), `fail` (it certainly did not happen), `info`
(it may have happened, or may still). A process whose operation ends `info` never speaks again. Times are nanoseconds
on the run's monotonic clock. Follows Jepsen's history; docs/checkers.md defines each `f` and field for its readers.
"""

from enum import StrEnum

import msgspec


class Kind(StrEnum):
    """The place of an entry in the life of its operation."""

    INVOKE = "invoke"
    OK = "ok"
    FAIL = "fail"
    INFO = "info"


# By these names where millions of operations are gone through: Python 3.11 takes 0.2 microseconds to find a member of
# an enumeration on its class.
INVOKE, OK, FAIL, INFO = Kind


class Phase(StrEnum):
    """The part of a run that an operation belongs to."""

    SEED = "seed"
    MAIN = "main"
    FINAL = "final"


class F(StrEnum):
    """What an operation asks a registry for. One F is one capability of the OCI Distribution Specification."""

    PUSH_BLOB = "push-blob"
    MOUNT_BLOB = "mount-blob"
    START_UPLOAD = "start-upload"
    PATCH_UPLOAD = "patch-upload"
    GET_UPLOAD = "get-upload"
    FINISH_UPLOAD = "finish-upload"
    CANCEL_UPLOAD = "cancel-upload"
    GET_BLOB = "get-blob"
    HEAD_BLOB = "head-blob"
    DELETE_BLOB = "delete-blob"
    PUT_MANIFEST = "put-manifest"
    GET_MANIFEST = "get-manifest"
    HEAD_MANIFEST = "head-manifest"
    DELETE_TAG = "delete-tag"
    DELETE_MANIFEST = "delete-manifest"
    LIST_TAGS = "list-tags"
    LIST_PAGE = "list-page"
    LIST_CATALOG = "list-catalog"
    LIST_REFERRERS = "list-referrers"


class PushStyle(StrEnum):
    """How the bytes of a blob travel (spec.md#pushing-blobs)."""

    SINGLE_POST = "single-post"
    POST_PUT = "post-put"
    CHUNKED_PATCH = "chunked-patch"
    STREAMED_PATCH = "streamed-patch"


class ErrorForm(StrEnum):
    """What the body of a 4xx is, where it is not the specification's list of errors (spec.md#error-codes)."""

    OTHER_JSON = "other-json"
    NOT_JSON = "not-json"


class Reference(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An edge of a manifest: a blob (config, layer) or a child manifest of an index."""

    digest: str
    is_manifest: bool
    size: int


class Referrer(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One entry of a list of referrers: a manifest that names another one as its subject.

    Attributes:
        annotations: as one word (history/annotations.py); None in journals that did not note them yet.
    """

    digest: str
    artifact_type: str | None = None
    size: int | None = None
    media_type: str | None = None
    annotations: str | None = None


class Slice(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Bytes of a blob from the first to the last, both included, by their digest."""

    first: int
    last: int
    digest: str | None = None


class Asked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What was asked for; the part of the request that checkers may rely on.

    Attributes:
        digest: of the bytes that are written, or by which they are read or deleted; None where a tag names them.
        size: bytes written, or expected by a read.
        media_type: of the manifest written.
        references: edges of the manifest written.
        style: of a blob push.
        source: repository that a mount takes the blob from; of a step of an upload: the one that it was begun in,
            where it is asked for, on purpose, through the URL of another one.
        range: inclusive first and last byte asked for, or None for the whole.
        wrong_bytes: the bytes sent do not hash to `digest`, on purpose: they must be refused. Of a chunk: it is not
            what the blob holds at that place.
        upload: of a step of an upload: which one, by a name that no other of the run has. Its key is the blob that the
            upload is to become, `size` the bytes of that blob or of the chunk, `range` the Content-Range of the chunk.
        breaks_grammar: what is read is named by what cannot be a tag or digest, on purpose.
        out_of_order: of a chunked push: a chunk that leaves a gap is sent amid the others, and must be refused.
        page_size: most names that a page of a list may hold (`n`), or None where nothing was asked.
        last: name after which a page is to begin.
        page_query: the query of a page as it is sent, where it is none that a registry must heed.
        prefix: of a page of the catalog: what the names of our repositories begin with; others are not written down.
        range_digest: digest of the bytes in that range, by the algorithm of the blob's, where the asker knows them.
        range_text: `Range` as it is sent, where it is another one than `bytes=<first>-<last>`; `range` is then what it
            means for a blob of this size, and None where it means no single part of it.
        slices: of a `Range` with several parts: those that are there, in the order asked.
        accept: `Accept` as it is sent (empty: none at all), where it is not that of a client that takes everything.
        keeps_validators: the ETag and Last-Modified that come are written down.
        if_none_match: ETag that the asker has; the whole is wanted only if there is another one now. Of a manifest
            written under a tag: `*`, it is to be written only if the tag names nothing.
        if_match: of a manifest written under a tag: it is to be written only if the tag names what has this ETag; a
            weak one matches nothing.
        if_modified_since: Last-Modified that the asker has.
        if_range: ETag of the content of which the asker has a part, and wants a range; of other content the whole.
        known_digest: of a read of a tag on a condition: the digest of what the asker has, which came with that ETag.
        tags: of a manifest written by its digest: the tags that it is to be put under besides (`?tag=`).
        subject: digest of the manifest that the manifest written refers to (its `subject`).
        artifact_type: of the manifest written; of a list of referrers, the only type asked for.
        annotations: of a manifest written that has a subject, as one word (history/annotations.py).
    """

    digest: str | None = None
    size: int | None = None
    media_type: str | None = None
    references: tuple[Reference, ...] = ()
    style: PushStyle | None = None
    source: str | None = None
    range: tuple[int, int] | None = None
    range_digest: str | None = None
    range_text: str | None = None
    slices: tuple[Slice, ...] = ()
    accept: str | None = None
    keeps_validators: bool = False
    if_none_match: str | None = None
    if_match: str | None = None
    if_modified_since: str | None = None
    if_range: str | None = None
    known_digest: str | None = None
    wrong_bytes: bool = False
    upload: str | None = None
    breaks_grammar: bool = False
    out_of_order: bool = False
    page_size: int | None = None
    last: str | None = None
    page_query: str | None = None
    prefix: str | None = None
    tags: tuple[str, ...] = ()
    subject: str | None = None
    artifact_type: str | None = None
    annotations: str | None = None


class Answered(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What came back, reduced to what checkers judge.

    Attributes:
        status: HTTP status of the exchange that decided the outcome; None when none came.
        present: False when a read was answered 404: an observation of absence, not a failure.
        digest: computed by us over the bytes received (algorithm of the digest asked for, else sha256).
        header_digest: Docker-Content-Digest as sent.
        length: bytes of body received.
        content_length: Content-Length as sent.
        media_type: Content-Type as sent.
        references: edges of the manifest received.
        tags: names listed, in the order received, all pages. Of a manifest that was written by its digest with `?tag=`:
            those that OCI-Tag says it was put under.
        other_name: that a list of tags gave its repository, where it is not the one asked for.
        longest_page: most names that one page of them held.
        repositories: of our prefix, in the order received.
        has_next: a page came with a Link to the next one.
        referrers: listed, in the order received, all pages.
        subject: OCI-Subject as sent in answer to a manifest with a subject; empty where it was not.
        is_filtered: OCI-Filters-Applied said on every page that only the artifact type asked for is listed.
        content_range: Content-Range as sent, of 206 and 416.
        parts: of a 206 in several parts: each, by the bytes that came; empty where they cannot be told apart.
        etag, last_modified: as sent, where they were to be kept.
        error_code: first code of an OCI error body.
        error_form: of the body of a 4xx, where there is one and it is not an OCI error body.
        location: Location as sent, without query.
        retry_after_s: seconds of Retry-After as sent.
        request_id: X-Request-Id of the deciding exchange.
        exchanges: exchanges that the operation took.
        sent_offsets: bytes of an upload sent so far, after each of its PATCH requests.
        stored_offsets: bytes of it that the registry said it holds (end of `Range` + 1), after each of them; -1 where
            it said nothing readable. Of a step of an upload: the one after it.
        least_chunk: OCI-Chunk-Min-Length, of an upload that was started.
        out_of_order_status: HTTP status that the chunk out of order was answered; None where none was sent or answered.
        headers: others that tell a reader something (client/telling_headers.py), by their names in lower case: of what
            is no plain success, and of a success those that say that a cache answered. No checker judges them.
    """

    status: int | None = None
    present: bool | None = None
    digest: str | None = None
    header_digest: str | None = None
    length: int | None = None
    content_length: int | None = None
    media_type: str | None = None
    references: tuple[Reference, ...] | None = None
    tags: tuple[str, ...] | None = None
    other_name: str | None = None
    longest_page: int | None = None
    repositories: tuple[str, ...] | None = None
    has_next: bool = False
    referrers: tuple[Referrer, ...] | None = None
    subject: str | None = None
    is_filtered: bool = False
    content_range: str | None = None
    parts: tuple[Slice, ...] = ()
    etag: str | None = None
    last_modified: str | None = None
    error_code: str | None = None
    error_form: ErrorForm | None = None
    location: str | None = None
    retry_after_s: float | None = None
    request_id: str | None = None
    exchanges: int = 0
    sent_offsets: tuple[int, ...] = ()
    stored_offsets: tuple[int, ...] = ()
    out_of_order_status: int | None = None
    least_chunk: int | None = None
    headers: tuple[tuple[str, str], ...] = ()


class Op(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag="op"):
    """One entry of a history: an invocation or a completion.

    Attributes:
        index: position in the journal, ascending from 0; a completion has its own.
        process: logical client; never reused after an `info`.
        key: `repository:tag`, `repository@digest` or `repository` (see history/keys.py).
        intended_ns: when the generator meant it to start.
        time_ns: when it was dispatched (invoke) or ended (completion).
        asked: on invocations; answered: on completions.
        error: why a completion is fail or info, in words; redacted.
    """

    index: int
    process: int
    kind: Kind
    f: F
    key: str
    phase: Phase
    intended_ns: int
    time_ns: int
    asked: Asked | None = None
    answered: Answered | None = None
    error: str | None = None


NO_BODY = msgspec.Raw()


class Sample(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="sample"):
    """One poll of a monitoring endpoint, judged as an interval: the answer was true at some instant within it.

    Attributes:
        endpoint: path below the registry's URL, e.g. `/api/registry/state`.
        quiet: no operation was open and no upload of ours remained when it was taken.
        status: None when there was no answer; `error` then says why.
        body: the JSON answer, on one line; empty (and false) where there was none.
    """

    endpoint: str
    start_ns: int
    end_ns: int
    quiet: bool = False
    status: int | None = None
    body: msgspec.Raw = NO_BODY
    error: str | None = None

    def __post_init__(self) -> None:
        # A default is left out of the JSON only if it is this very object, and no JSON can stand for nothing.
        if not self.body:
            msgspec.structs.force_setattr(self, "body", NO_BODY)


def detached(sample: Sample) -> Sample:
    """The same, its body no longer a view of the block that it was read in, which could not be let go of otherwise."""
    msgspec.structs.force_setattr(sample, "body", sample.body.copy())
    return sample


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="event"):
    """Something that happened to the run itself: a phase began, a capability is missing, the target died.

    Names in use: `phase` {phase}, `capability` {name, supported: yes/no, reason}, `interrupted` {signal},
    `target-died` {detail}, `process-died` {process, detail}: one of those that load,
    `target` {fresh: yes/no, monitoring: yes/no}, `environment` {python, platform, processors}: where nscr ran,
    `finished` {},
    `fault` {fault, toxic, step, match, connection, request, direction, passed, in_flight}: it struck that request
    (nscr_cli.nemesis.proxy.Strike); `healed` {}: from here on nothing is struck; `resources` {moment, process,
    descriptors, sockets, threads, memory_bytes, peak_memory_bytes}: what the registry's process held
    (nscr_cli.history.resources); `processor` {process, ran_ns, waited_ns}: how long a process that loads ran, and
    waited for a processor (nscr_cli.history.processor); `late` {by_ns}: our own loop stood still for so long until
    then.
    """

    name: str
    time_ns: int
    detail: dict[str, str] = {}


Entry = Op | Sample | Event
