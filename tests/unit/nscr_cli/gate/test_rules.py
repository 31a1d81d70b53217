"""What sights of a subject show, and what several of them prove."""

import msgspec
import pytest

from nscr_cli.client.completions import Completion
from nscr_cli.gate.rules import bytes_hashed, judged_references, length_of, persisting, problems_of, wrong_size
from nscr_cli.gate.subjects import Check, Problem, Sight, Subject, Thing
from nscr_cli.history.ops import Answered, Kind, Reference

D, E = "sha256:" + "d" * 64, "sha256:" + "e" * 64
TAG, MANIFEST, BLOB = (
    Subject(Thing.TAG, "a", "t"), Subject(Thing.MANIFEST, "a", D), Subject(Thing.BLOB, "a", D)
)  # fmt: skip
OCI = "application/vnd.oci.image.manifest.v1+json"


def head(status: int = 200, digest: str | None = D, length: int | None = 5, media_type: str = OCI) -> Completion:
    answered = Answered(
        status=status, present=status != 404, header_digest=digest, content_length=length, media_type=media_type
    )
    return Completion(kind=Kind.OK, answered=answered)


def get(
    status: int = 200, *, digest: str = D, header: str | None = D, length: int = 5, media_type: str = OCI
) -> Completion:
    answered = Answered(
        status=status,
        present=status != 404,
        digest=digest,
        header_digest=header,
        length=length,
        content_length=length,
        media_type=media_type,
        references=(Reference(E, False, 7),),
    )
    return Completion(kind=Kind.OK, answered=answered)


def failed(status: int | None, error: str = "why", **answered: int) -> Completion:
    return Completion(kind=Kind.FAIL, answered=Answered(status=status, **answered), error=error)


def rules(subject: Subject, first: Completion, then: Completion, again: Completion | None = None) -> list[str]:
    return [problem.rule for problem in problems_of(subject, Sight(first, then, again or first))]


@pytest.mark.parametrize("subject", [TAG, MANIFEST, BLOB])
def test_as_it_should_be(subject: Subject) -> None:
    assert rules(subject, head(), get()) == []
    assert rules(subject, head(digest=None, length=None), get(header=None)) == []
    assert rules(subject, head(media_type=f"{OCI}; charset=utf-8"), get(media_type=OCI.upper())) == []


def test_absence() -> None:
    assert rules(TAG, head(404), get(404)) == ["unresolved-tag"]
    assert rules(MANIFEST, head(404), get(404)) == ["missing-manifest"]
    assert rules(BLOB, head(404), get(404)) == ["missing-blob"]


def test_failures() -> None:
    assert rules(TAG, failed(500), failed(500)) == ["unreadable-tag"]
    assert rules(BLOB, head(), failed(200, length=3, content_length=5)) == ["cut-off"]
    (problem,) = problems_of(BLOB, Sight(head(), failed(200, "cut", length=3, content_length=5), head()))
    assert (problem.check, problem.explanation) == (Check.CONTENT, "3 bytes came of Content-Length 5: cut")


@pytest.mark.parametrize("status", [None, 401, 403, 408, 429, 502, 503, 504, 507, 301, 307])
def test_what_we_were_not_shown_is_undecided(status: int | None) -> None:
    for sight in (Sight(head(), failed(status), head()), Sight(failed(status), get(), head())):
        (problem,) = problems_of(BLOB, sight)
        assert (problem.rule, problem.is_undecided) == ("unseen", True)


def test_a_blob_that_was_only_asked_for_is_compared_with_nothing() -> None:
    asked = head(length=4)
    assert list(problems_of(BLOB, Sight(asked, asked, asked))) == []


def test_disagreement() -> None:
    assert rules(BLOB, head(404), get()) == ["head-get-status"]
    assert rules(BLOB, head(), get(404)) == ["missing-blob", "head-get-status"]
    assert rules(BLOB, head(length=4), get()) == ["head-get-length"]
    assert rules(BLOB, head(media_type="x"), get()) == []
    assert rules(MANIFEST, head(media_type="x"), get()) == ["head-get-type"]
    assert rules(MANIFEST, head(digest=E, length=4), get()) == ["head-get-digest", "head-get-length"]
    assert rules(TAG, head(digest=E, length=4, media_type="x"), get()) == ["head-get-digest"]


def test_a_tag_that_moved_meanwhile_is_not_compared() -> None:
    assert rules(TAG, head(digest=E, length=4), get(), again=head()) == []
    assert rules(TAG, head(404), get(), again=head()) == []


def test_content_is_proven_at_once() -> None:
    (problem,) = problems_of(BLOB, Sight(head(), get(digest=E, header=None), head()))
    assert (problem.rule, problem.is_proven) == ("wrong-content", True)
    assert problem.explanation == f"5 bytes served as {D} hash to {E}"
    assert rules(TAG, head(digest=E), get(digest=D, header=E)) == ["wrong-content"]


def test_digests_that_cannot_be_compared() -> None:
    other = Subject(Thing.BLOB, "a", "blake3:00")
    (problem,) = problems_of(other, Sight(head(digest=None), get(header=None), head(digest=None)))
    assert (problem.rule, problem.is_undecided) == ("unknown-algorithm", True)
    sha512 = "sha512:" + "0" * 128
    assert rules(TAG, head(digest=sha512), get(digest=D, header=sha512)) == []


def problem(rule: str, *, is_proven: bool = False) -> Problem:
    return Problem(check=Check.TAGS, rule=rule, explanation=rule, is_proven=is_proven)


def test_only_what_lasts_counts() -> None:
    one, other, proof = problem("one"), problem("other"), problem("proof", is_proven=True)
    assert persisting([()]) == ()
    assert persisting([(one,), ()]) == ()
    assert persisting([(one, other), (one,), (one,)]) == (one,)
    assert persisting([(proof,)]) == (proof,)
    assert persisting([(proof, one), ()]) == (proof,)


def test_wrong_in_a_new_way_each_time_is_undecided() -> None:
    (left,) = persisting([(problem("one"),), (problem("other"),)])
    assert (left.rule, left.is_undecided, left.explanation) == ("unsteady", True, "one; other")


def test_sizes() -> None:
    assert wrong_size(5, {5, -1}) is None
    assert wrong_size(5, {7, 6, 5}) == "a manifest says 6 bytes, it has 5"


def replaced(completion: Completion, **answered: object) -> Completion:
    return msgspec.structs.replace(completion, answered=msgspec.structs.replace(completion.answered, **answered))


@pytest.mark.parametrize("name", ["json", "prettyjws"])
def test_schema_1_is_named_by_other_bytes_than_are_served(name: str) -> None:
    served = get(digest=E, media_type=f"application/vnd.docker.distribution.manifest.v1+{name}")
    asked = head(media_type=served.answered.media_type or "")
    assert rules(TAG, asked, served) == []
    (problem,) = problems_of(MANIFEST, Sight(asked, served, asked))
    assert (problem.rule, problem.is_skipped, problem.is_proven) == ("other-form", True, True)


def test_a_manifest_that_cannot_be_read_is_left_out_and_told() -> None:
    (problem,) = problems_of(MANIFEST, Sight(head(), replaced(get(), references=None), head()))
    assert (problem.check, problem.rule, problem.is_skipped) == (Check.CLOSURE, "other-form", True)


def test_an_image_without_a_configuration_can_be_pulled_by_nobody() -> None:
    empty = msgspec.structs.replace(get(), document=b'{"schemaVersion": 2, "layers": []}')
    (problem,) = problems_of(MANIFEST, Sight(head(), empty, head()))
    assert (problem.check, problem.rule, problem.is_proven) == (Check.CLOSURE, "malformed-manifest", True)
    assert problem.clause == "image-spec manifest.md#image-manifest-property-descriptions: config is REQUIRED"
    assert problems_of(TAG, Sight(head(), empty, head())) == ()
    index = "application/vnd.oci.image.index.v1+json"  # one without children is allowed
    listing = msgspec.structs.replace(replaced(empty, media_type=index), document=b'{"schemaVersion":2,"manifests":[]}')
    assert problems_of(MANIFEST, Sight(head(media_type=index), listing, head())) == ()
    # Bytes of another digest prove that they are wrong, and nothing about the manifest.
    other = replaced(empty, digest=E, header_digest=E)
    assert [one.rule for one in problems_of(MANIFEST, Sight(head(), other, head()))] == [
        "head-get-digest", "wrong-content"
    ]  # fmt: skip


def test_what_can_be_no_digest_is_not_asked_for() -> None:
    both = (Reference(D, False, 1), Reference("sha256:../../x", False, 1))
    assert judged_references(replaced(get(), references=both).answered) == both[:1]
    draft = replaced(get(media_type="application/vnd.oci.artifact.manifest.v1+json"), references=both)
    assert judged_references(draft.answered) == both  # nobody else tells of it


def test_one_byte_shows_how_long_a_blob_is_and_nothing_of_its_content() -> None:
    first = replaced(get(206, digest=E, length=1), content_range="bytes 0-0/5")
    sight = Sight(first, first, first)
    assert problems_of(BLOB, sight) == ()
    assert (length_of(sight), bytes_hashed(sight)) == (5, 0)
    assert length_of(Sight(*[replaced(first, content_range="bytes 0-0/*")] * 3)) is None
    assert (length_of(Sight(head(), get(), head())), bytes_hashed(Sight(head(), get(), head()))) == (5, 5)
    assert (length_of(Sight(*[head(length=4)] * 3)), length_of(Sight(*[head(length=None)] * 3))) == (4, None)


def test_what_a_media_type_refers_to_that_nobody_knows_is_not_judged() -> None:
    for media_type in ("application/x-unknown", "application/json", ""):
        nothing = replaced(get(media_type=media_type), references=())
        (problem,) = problems_of(MANIFEST, Sight(head(media_type=media_type), nothing, head()))
        assert (problem.check, problem.rule, problem.is_skipped) == (Check.CLOSURE, "other-form", True)
        assert problem.explanation.startswith("media type not known: its references are not judged")
        assert judged_references(nothing.answered) is None
    assert judged_references(get().answered) == get().answered.references
