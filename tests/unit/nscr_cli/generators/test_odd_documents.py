"""Manifests in odd forms: rightful manifests all of them, each with bytes of its own that no encoder gives back."""

import json

import msgspec
import pytest

from nscr_cli.client.documents import references_of
from nscr_cli.generators.documents import Manifest, configuration, docker_image, image
from nscr_cli.generators.odd_documents import DOCKER_LIST, FORMS, LARGE, Form, docker_list, in_form, large

MEBIBYTE = 1024 * 1024
PLAIN = image(configuration("n"), [configuration("layer")], "n")


def bytes_of(manifest: Manifest) -> bytes:
    return b"".join(manifest.content.chunks())


@pytest.mark.parametrize("form", [*FORMS, large])
def test_a_form_changes_the_bytes_and_not_what_they_mean(form: Form) -> None:
    odd = in_form(PLAIN, form)
    assert odd.digest != PLAIN.digest
    assert references_of(bytes_of(odd)) == PLAIN.references == odd.references
    meant = json.loads(bytes_of(odd))
    assert (meant["schemaVersion"], meant["annotations"]["nscr.write"]) == (2, "n")


def test_each_form_has_a_digest_of_its_own_and_always_the_same() -> None:
    digests = [in_form(PLAIN, form).digest for form in FORMS]
    assert len(set(digests)) == len(FORMS)
    assert digests == [in_form(PLAIN, form).digest for form in FORMS]


@pytest.mark.parametrize(
    "again",
    [
        lambda document: json.dumps(document, separators=(",", ":")).encode(),
        lambda document: json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode(),
        lambda document: json.dumps(document, indent=3).encode(),
        msgspec.json.encode,
    ],
)
def test_whoever_decodes_and_encodes_changes_most_of_them(again: object) -> None:
    assert callable(again)
    odd = [bytes_of(in_form(PLAIN, form)) for form in FORMS]
    assert sum(again(json.loads(data)) != data for data in odd) >= 4


def test_a_large_one_is_what_registries_are_asked_to_accept() -> None:
    assert MEBIBYTE < LARGE < in_form(PLAIN, large).content.size < 4 * MEBIBYTE


def test_a_docker_list_refers_to_its_children() -> None:
    child = docker_image(configuration("n"), [])
    listed = docker_list([child])
    references = references_of(bytes_of(listed))
    assert listed.media_type == DOCKER_LIST
    assert references == listed.references
    assert [one.digest for one in references or ()] == [child.digest]
