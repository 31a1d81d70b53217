"""What one sight of a tag, manifest or blob says about the registry. Pure.

A tag may move between two requests, so HEAD is asked before and after GET and only what held still is compared. Content
by digest cannot move: bytes that do not hash to their digest are proof at once. Absence and disagreement may be the
doing of somebody else who writes at the same time: they count only if they persist.
"""

from collections.abc import Iterable, Iterator, Sequence

from nscr_cli.checkers.refusals import UNSERVED
from nscr_cli.client.completions import Completion
from nscr_cli.client.documents import MANIFEST_TYPES
from nscr_cli.gate.forms import fault_of, has_form, is_digest
from nscr_cli.gate.subjects import Check, Problem, Sight, Subject, Thing
from nscr_cli.history.ops import Answered, Kind, Reference

_KNOWN_ALGORITHMS = ("sha256:", "sha512:")
_PARTIAL = 206
# Signed schema 1 is named by the digest of what was signed, which is not what is served; and its layers are listed in
# a form of its own (https://distribution.github.io/distribution/spec/deprecated-schema-v1/).
_SCHEMA_1 = (
    "application/vnd.docker.distribution.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
)
# Of these it is specified what they refer to. An artifact manifest is of the drafts of image-spec 1.1.
_KNOWN_FORMS = (*MANIFEST_TYPES, "application/vnd.oci.artifact.manifest.v1+json")


def problems_of(subject: Subject, sight: Sight) -> tuple[Problem, ...]:
    """What is wrong with a subject, as seen."""
    unseen = _unseen(subject, sight)
    if unseen is not None:
        return (unseen,)
    return (
        *_presence(subject, sight),
        *_agreement(subject, sight),
        *_content(subject, sight.get),
        *_form(subject, sight.get),
    )


def persisting(attempts: Sequence[tuple[Problem, ...]]) -> tuple[Problem, ...]:
    """Of the problems of several sights: those proven by any, and those that every one of them shows.

    Where the last sight is still wrong, but each in its own way, nothing is proven and nothing is fine.
    """
    last = attempts[-1]
    in_all = set.intersection(*({(problem.check, problem.rule) for problem in problems} for problems in attempts))
    lasting = [problem for problem in last if (problem.check, problem.rule) in in_all]
    proven = [problem for problems in attempts for problem in problems if problem.is_proven]
    if last and not lasting and not proven:
        seen = "; ".join(problem.explanation for problems in attempts for problem in problems)
        lasting = [Problem(check=last[0].check, rule="unsteady", explanation=seen, is_undecided=True)]
    return tuple({(problem.check, problem.rule): problem for problem in (*lasting, *proven)}.values())


def wrong_size(length: int, sizes: Iterable[int]) -> str | None:
    """What is wrong between a length and what manifests say it is; sizes below 0 say nothing."""
    wrong = sorted({size for size in sizes if size >= 0 and size != length})
    return f"a manifest says {wrong[0]} bytes, it has {length}" if wrong else None


def is_present(completion: Completion) -> bool:
    """It was there and came whole."""
    return completion.kind is Kind.OK and completion.answered.present is True


def is_absent(completion: Completion) -> bool:
    """The registry said that it is not there."""
    return completion.kind is Kind.OK and completion.answered.present is False


def identity(answered: Answered) -> str | None:
    """The digest of what an answer was about: by its header, else by its bytes."""
    return answered.header_digest or answered.digest


def length_of(sight: Sight) -> int | None:
    """The bytes that a subject has, as far as a sight shows it."""
    answered = sight.get.answered
    if answered.status == _PARTIAL:
        total = (answered.content_range or "").rpartition("/")[2]
        return int(total) if total.isascii() and total.isdigit() else None
    return answered.length if answered.digest is not None else answered.content_length


def bytes_hashed(sight: Sight) -> int:
    """The bytes whose digest a sight has compared."""
    answered = sight.get.answered
    return (answered.length or 0) if is_hashed(sight) else 0


def is_hashed(sight: Sight) -> bool:
    """Its bytes came whole, and say something about the digest that they are served under."""
    answered = sight.get.answered
    is_whole = answered.digest is not None and answered.status != _PARTIAL
    return is_whole and is_present(sight.get) and _media_type(answered) not in _SCHEMA_1


def judged_references(answered: Answered) -> tuple[Reference, ...] | None:
    """What a manifest refers to; None where it cannot be said, or nobody specifies that it must be there.

    What cannot be a digest is told as a fault of the manifest, and cannot be asked for.
    """
    if _unjudged_form(answered) is not None:
        return None
    references = answered.references or ()
    if not has_form(_media_type(answered)) or all(is_digest(one.digest) for one in references):
        return references
    return tuple(one for one in references if is_digest(one.digest))


def needs_second_head(subject: Subject, sight: Sight) -> bool:
    """Only HEAD once more can tell whether the subject moved in between."""
    return subject.thing is Thing.TAG and any(_agreement(subject, sight))


def _unseen(subject: Subject, sight: Sight) -> Problem | None:
    """We were not let in, not served now, not answered, or sent to another host, where our credentials do not go."""
    check = Check.TAGS if subject.thing is Thing.TAG else Check.CONTENT
    for completion in (sight.get, sight.head):
        status = completion.answered.status
        if status is None or status in UNSERVED or 300 <= status < 400:
            why = completion.error or "no answer"
            return Problem(check=check, rule="unseen", explanation=why, is_undecided=True)
    return None


def _presence(subject: Subject, sight: Sight) -> Iterator[Problem]:
    get = sight.get
    if is_present(get):
        return
    check = Check.TAGS if subject.thing is Thing.TAG else Check.CLOSURE
    if is_absent(get):
        rule = "unresolved-tag" if subject.thing is Thing.TAG else f"missing-{subject.thing}"
        yield Problem(check=check, rule=rule, explanation="the registry answers 404")
    elif get.answered.status in (200, 206):
        said, came = get.answered.content_length, get.answered.length
        explanation = f"{came} bytes came of Content-Length {said}: {get.error}"
        yield Problem(check=Check.CONTENT, rule="cut-off", explanation=explanation)
    else:
        yield Problem(check=check, rule=f"unreadable-{subject.thing}", explanation=f"the registry answers {get.error}")


def _agreement(subject: Subject, sight: Sight) -> Iterator[Problem]:
    if sight.get is sight.head:
        return  # only asked whether it is there: nothing to compare
    head, get = sight.head.answered, sight.get.answered
    if subject.thing is Thing.TAG and _told(head) != _told(sight.head_again.answered):
        return
    if head.status != get.status:
        explanation = f"HEAD answers {head.status}, GET {get.status}"
        yield Problem(check=Check.AGREEMENT, rule="head-get-status", explanation=explanation)
        return
    if not is_present(sight.get):
        return
    served = identity(get) if subject.thing is Thing.TAG else get.header_digest
    if head.header_digest and served and served != head.header_digest:
        explanation = f"HEAD says {head.header_digest}, GET {served}"
        yield Problem(check=Check.AGREEMENT, rule="head-get-digest", explanation=explanation)
        if subject.thing is Thing.TAG:
            return  # another manifest: its length and type may well differ
    if head.content_length is not None and head.content_length != get.length:
        explanation = f"HEAD says Content-Length {head.content_length}, GET brings {get.length} bytes"
        yield Problem(check=Check.AGREEMENT, rule="head-get-length", explanation=explanation)
    if subject.thing is not Thing.BLOB and _media_type(head) != _media_type(get):
        explanation = f"HEAD says Content-Type {head.media_type}, GET {get.media_type}"
        yield Problem(check=Check.AGREEMENT, rule="head-get-type", explanation=explanation)


def _content(subject: Subject, get: Completion) -> Iterator[Problem]:
    answered, digest = get.answered, get.answered.digest
    if not is_present(get) or digest is None or answered.status == _PARTIAL or _media_type(answered) in _SCHEMA_1:
        return
    promised = [answered.header_digest] if answered.header_digest else []
    if subject.thing is not Thing.TAG:
        promised.append(subject.reference)
    for named in dict.fromkeys(promised):
        if not named.startswith(_KNOWN_ALGORITHMS):
            explanation = f"the algorithm of {named} is not known here"
            yield Problem(check=Check.CONTENT, rule="unknown-algorithm", explanation=explanation, is_undecided=True)
        elif named.partition(":")[0] == digest.partition(":")[0] and named != digest:
            explanation = f"{answered.length} bytes served as {named} hash to {digest}"
            yield Problem(check=Check.CONTENT, rule="wrong-content", explanation=explanation, is_proven=True)


def _form(subject: Subject, get: Completion) -> Iterator[Problem]:
    """Manifests that are not what their media type says, and those of which it cannot be said what they refer to."""
    if subject.thing is not Thing.MANIFEST or not is_present(get):
        return
    # Bytes that are not those of the digest are told as wrong content, and say nothing about the manifest.
    is_itself = get.answered.digest == subject.reference
    fault = fault_of(get.document, _media_type(get.answered)) if get.document is not None and is_itself else None
    if fault is not None:
        yield Problem(
            check=Check.CLOSURE,
            rule="malformed-manifest",
            explanation=fault.what,
            clause=fault.clause,
            is_proven=True,
        )
        return
    explanation = _unjudged_form(get.answered)
    if explanation is not None:
        yield Problem(check=Check.CLOSURE, rule="other-form", explanation=explanation, is_proven=True, is_skipped=True)


def _unjudged_form(answered: Answered) -> str | None:
    media_type = _media_type(answered)
    if media_type in _SCHEMA_1:
        return "Docker's schema 1: neither its bytes nor its layers are judged"
    if answered.references is None:
        return "nothing that can be read as a manifest in JSON: what it refers to is not judged"
    # Without a Content-Type, what reads as references is taken for that; where nothing does, it proves nothing.
    if media_type not in _KNOWN_FORMS and (media_type or not answered.references):
        return f"media type not known: its references are not judged ({media_type or 'no Content-Type'})"
    return None


def _told(head: Answered) -> tuple[object, ...]:
    return head.status, head.header_digest, head.content_length, head.media_type


def _media_type(answered: Answered) -> str:
    return (answered.media_type or "").partition(";")[0].strip().lower()
