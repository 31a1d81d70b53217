"""Whether the bytes of a manifest have the form that its media type stands for. Pure.

Judged are OCI's image manifest and index, by what image-spec says is REQUIRED or MUST be, and Docker's schema 2, but
for the media types of its descriptors, which Docker's own tools leave out. What Go writes for an empty list, `null`, is
one. Of any other media type (Docker's schema 1, artifact manifests, what nobody here knows) nothing is judged.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from nscr_cli.foreign_json import Unreadable, read_json

_IMAGE = "image-spec manifest.md#image-manifest-property-descriptions"
_INDEX = "image-spec image-index.md#image-index-property-descriptions"
_DESCRIPTOR = "image-spec descriptor.md#properties"
_DIGESTS = "image-spec descriptor.md#digests"
_DOCKER = "https://distribution.github.io/distribution/spec/manifest-v2-2/"
_DIGEST = re.compile(r"[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+")
_REGISTERED = {
    "sha256": re.compile(r"sha256:[a-f0-9]{64}"),
    "sha512": re.compile(r"sha512:[a-f0-9]{128}"),
}
_LARGEST_SIZE = 2**63 - 1
_MOST_SHOWN = 40


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with a form, and what says so."""

    what: str
    clause: str


class _Form(msgspec.Struct, frozen=True, kw_only=True):
    """What a media type stands for.

    Attributes:
        listed: the property that is a list of descriptors, and what says that it is there.
        is_docker: its descriptors need no media type.
    """

    name: str
    place: str
    listed: tuple[str, str]
    has_config: bool = False
    is_docker: bool = False

    def clause(self, said: str) -> str:
        """Where it is said; Docker's document has the same properties, and none of these words."""
        return self.place if self.is_docker else f"{self.place}: {said}"

    def clause_of_descriptors(self, said: str = "a reference is a descriptor") -> str:
        """The same, of what its descriptors have."""
        return self.place if self.is_docker else f"{_DESCRIPTOR}: {said}"


_FORMS = {
    "application/vnd.oci.image.manifest.v1+json": _Form(
        name="an OCI image manifest",
        place=_IMAGE,
        listed=("layers", "image-spec schema/image-manifest-schema.json: layers is required"),
        has_config=True,
    ),
    "application/vnd.oci.image.index.v1+json": _Form(
        name="an OCI image index",
        place=_INDEX,
        listed=("manifests", f"{_INDEX}: manifests is REQUIRED, and MUST be present"),
    ),
    "application/vnd.docker.distribution.manifest.v2+json": _Form(
        name="a Docker image manifest",
        place=_DOCKER,
        listed=("layers", f"{_DOCKER}: layers is a list"),
        has_config=True,
        is_docker=True,
    ),
    "application/vnd.docker.distribution.manifest.list.v2+json": _Form(
        name="a Docker manifest list",
        place=_DOCKER,
        listed=("manifests", f"{_DOCKER}: manifests is a list"),
        is_docker=True,
    ),
}


def has_form(media_type: str) -> bool:
    """It is known what a manifest of this type looks like."""
    return media_type in _FORMS


def is_digest(text: str) -> bool:
    """It has the form of a digest (image-spec descriptor.md#digests)."""
    registered = _REGISTERED.get(text.partition(":")[0])
    return (registered or _DIGEST).fullmatch(text) is not None


def fault_of(document: bytes, media_type: str) -> Fault | None:
    """What is wrong with a manifest, the first of it and how much more there is; None where nothing is."""
    form = _FORMS.get(media_type)
    if form is None:
        return None
    faults = list(_faults(document, form))
    if not faults:
        return None
    more = f", and {len(faults) - 1:,} more" if len(faults) > 1 else ""
    return Fault(f"{form.name} of {len(document):,} bytes: {faults[0].what}{more}", faults[0].clause)


def _faults(document: bytes, form: _Form) -> Iterator[Fault]:
    try:
        manifest = _read(document)
    except ValueError:
        yield Fault("no JSON", form.place)
        return
    except RecursionError:
        return
    if not isinstance(manifest, dict):
        yield Fault(f"{_kind(manifest)} in JSON, and no object", form.place)
        return
    version = manifest.get("schemaVersion")
    if isinstance(version, bool) or version != 2:
        yield Fault(_not("schemaVersion", manifest, "2"), form.clause("schemaVersion is REQUIRED, and MUST be 2"))
    if form.has_config:
        if "config" in manifest:
            yield from _descriptor("config", manifest["config"], form)
        else:
            yield Fault("config is missing", form.clause("config is REQUIRED"))
    name, clause = form.listed
    listed = manifest.get(name)
    if isinstance(listed, list):
        for number, one in enumerate(listed):
            yield from _descriptor(f"{name}[{number}]", one, form)
    elif listed is not None or name not in manifest:
        yield Fault(_not(name, manifest, "a list"), clause)
    if manifest.get("subject") is not None:
        yield from _descriptor("subject", manifest["subject"], form)


def _read(document: bytes) -> Any:
    """JSON as leniently as it is read anywhere: odd escapes and numbers are no fault of a form.

    Raises:
        ValueError: it is none.
        RecursionError: it is nested too deeply to be read here.
    """
    try:
        return read_json(document)
    except Unreadable:
        return json.loads(document.decode("utf-8", "replace"))


def _descriptor(where: str, descriptor: Any, form: _Form) -> Iterator[Fault]:
    if not isinstance(descriptor, dict):
        yield Fault(f"{where} is {_kind(descriptor)}, and no descriptor", form.clause_of_descriptors())
        return
    media_type, digest, size = (descriptor.get(name) for name in ("mediaType", "digest", "size"))
    if not form.is_docker and not (isinstance(media_type, str) and media_type):
        yield Fault(
            _not(f"{where}.mediaType", descriptor, "a media type"), form.clause_of_descriptors("mediaType is REQUIRED")
        )
    if not isinstance(digest, str):
        yield Fault(_not(f"{where}.digest", descriptor, "a digest"), form.clause_of_descriptors("digest is REQUIRED"))
    elif not is_digest(digest):
        yield Fault(
            f"{where}.digest is {_shown(digest)}, which no digest can be", f"{_DIGESTS}: MUST match the grammar"
        )
    if not _is_size(size):
        yield Fault(
            _not(f"{where}.size", descriptor, "a size in bytes"),
            form.clause_of_descriptors("size is REQUIRED, an int64"),
        )


def _is_size(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and 0 <= value <= _LARGEST_SIZE and value == int(value)


def _not(where: str, holder: Mapping[str, Any], what: str) -> str:
    name = where.rpartition(".")[2]
    return f"{where} is {_shown(holder[name])}, and not {what}" if name in holder else f"{where} is missing"


def _kind(value: Any) -> str:
    """What a value is, in the words of JSON."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "a truth value"}
    return "null" if value is None else names.get(type(value), "a number")


def _shown(value: Any) -> str:
    """A value, where it is short; else what it is."""
    if isinstance(value, dict | list):
        return _kind(value)
    text = json.dumps(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 1]}…"
