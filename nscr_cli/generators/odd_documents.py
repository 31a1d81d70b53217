"""Manifests as rightful as any, whose bytes are not those that most encoders make.

A registry keeps them byte for byte (spec.md#pushing-manifests): one that decodes and encodes them again, strips them or
cuts them off serves other bytes than were pushed. Pure; each form of one manifest has a digest of its own.
"""

import json
from collections.abc import Callable, Sequence

import msgspec

from nscr_cli.generators.documents import Manifest
from nscr_cli.history.invocation import Content
from nscr_cli.history.ops import Reference

DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
LARGE = 1_200_000
"""Bytes of a large one: more than a mebibyte, less than the four that registries are asked to accept."""

_FILLING = 70_000
_WORDS = 'é, \u2028, <a href="/">&amp;</a>, \U0001f40b, a/b\\c'
_UNKNOWN = '{"nscr.unknown":{"numbers":[1.0,1E2,12345678901234567890],"nothing":null,"a":{},"A":[]},'

Form = Callable[[dict[str, object]], str]


def _indented(document: dict[str, object]) -> str:
    return f"\r\n{json.dumps(document, indent=3)}\n\n"


def _reversed(document: dict[str, object]) -> str:
    return json.dumps(dict(reversed(document.items())), separators=(" , ", " : "))


def _escaped(document: dict[str, object]) -> str:
    return _plain(_annotated(document, _WORDS)).replace("/", "\\/")


def _unescaped(document: dict[str, object]) -> str:
    return json.dumps(_annotated(document, _WORDS), ensure_ascii=False, separators=(",", ":"))


def _with_unknown(document: dict[str, object]) -> str:
    return _UNKNOWN + _plain(document)[1:]


def _without_type(document: dict[str, object]) -> str:
    return _plain({name: value for name, value in document.items() if name != "mediaType"})


def _filled(document: dict[str, object]) -> str:
    return _plain(_annotated(document, "x" * _FILLING))


def large(document: dict[str, object]) -> str:
    """One of LARGE bytes and a little more."""
    return _plain(_annotated(document, "x" * LARGE))


FORMS: tuple[Form, ...] = (_indented, _reversed, _escaped, _unescaped, _with_unknown, _without_type, _filled)


def in_form(manifest: Manifest, form: Form) -> Manifest:
    """The same manifest in other bytes; one with annotations and without a subject."""
    document = msgspec.json.decode(b"".join(manifest.content.chunks()), type=dict[str, object])
    return msgspec.structs.replace(manifest, content=Content.of_bytes(form(document).encode()))


def docker_list(children: Sequence[Manifest]) -> Manifest:
    """A Docker manifest list; as unique as its children."""
    entries = [
        {
            "mediaType": child.media_type,
            "size": child.content.size,
            "digest": child.digest,
            "platform": {"architecture": "amd64", "os": "linux"},
        }
        for child in children
    ]
    document = {"schemaVersion": 2, "mediaType": DOCKER_LIST, "manifests": entries}
    return Manifest(
        content=Content.of_bytes(msgspec.json.encode(document)),
        media_type=DOCKER_LIST,
        references=tuple(Reference(child.digest, True, child.content.size) for child in children),
    )


def _annotated(document: dict[str, object], words: str) -> dict[str, object]:
    annotations = document.get("annotations")
    known = annotations if isinstance(annotations, dict) else {}
    return {**document, "annotations": {**known, "nscr.words": words}}


def _plain(document: dict[str, object]) -> str:
    return json.dumps(document, separators=(",", ":"))
