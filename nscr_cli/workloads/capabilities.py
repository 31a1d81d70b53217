"""What a registry can do, found out before the load: asked for once in a repository of its own, judged purely.

Unsupported is what the registry declines as such; an answer that only a broken registry gives (a 5xx, "unknown" for
what it just acknowledged) is not, and the load goes on to show it. The probe deletes again what it wrote, where it can.
"""

from collections.abc import Iterable

from nscr_cli.checkers.preconditions import COMPARE_AND_SET
from nscr_cli.generators import invocations
from nscr_cli.generators.documents import OCI_MANIFEST, configuration, docker_image, image, index
from nscr_cli.history.history import Operation
from nscr_cli.history.invocation import Content, Invocation
from nscr_cli.history.keys import digest_of
from nscr_cli.history.ops import F, Kind, PushStyle
from nscr_cli.workloads.pulls import BLOB_RANGES
from nscr_cli.workloads.pushes import DOCKER_MANIFESTS, INDEXES
from nscr_cli.workloads.sha512 import SHA512, is_used
from nscr_cli.workloads.world import World

PROBE_REPOSITORY = "probe"
_SECOND_REPOSITORY = "probe-mounted"
_TAG = "probe"
_DECLINED = frozenset({401, 403, 405, 501})
_BAD_REQUEST, _TURNED_DOWN = 400, 412
_DECLINED_CODES = frozenset({"UNSUPPORTED", "DENIED", "UNAUTHORIZED"})
_UNKNOWN_CODES = frozenset({"MANIFEST_UNKNOWN", "BLOB_UNKNOWN", "NAME_UNKNOWN", "MANIFEST_BLOB_UNKNOWN"})


def style_probe(world: World) -> tuple[Invocation, ...]:
    """A small blob in each of the four styles."""
    repository = world.namespace.repository(PROBE_REPOSITORY)
    return tuple(
        invocations.push_blob(repository, configuration(f"{world.seed}/probe/{style}"), style) for style in PushStyle
    )


def probe(world: World) -> tuple[Invocation, ...]:
    """Everything else, over a blob in a style that is supported."""
    repository = world.namespace.repository(PROBE_REPOSITORY)
    second = world.namespace.repository(_SECOND_REPOSITORY)
    style = world.push_styles[0]
    blob = configuration(f"{world.seed}/probe/{style}")
    docker_config = configuration(f"{world.seed}/probe/docker")
    oci = image(blob, [], f"{world.seed}/probe")
    second_oci = image(blob, [], f"{world.seed}/probe/second")
    docker = docker_image(docker_config, [])
    both = index([oci], f"{world.seed}/probe")
    return (
        invocations.push_blob(repository, docker_config, style),
        invocations.mount_blob(second, blob, repository),
        invocations.get_range(repository, blob.digest, blob.size, (1, 8), blob),
        invocations.put_manifest(repository, _TAG, oci),
        invocations.put_manifest(repository, None, docker),
        invocations.put_manifest(repository, None, both),
        invocations.head_tag(repository, _TAG),
        invocations.list_tags(repository),
        invocations.list_referrers(repository, oci.digest),
        *_catalog(world, repository),
        *_by_sha512(world, repository, style),
        # Only who turns down what does not match, and takes what does, compares and sets.
        invocations.exchange_manifest(repository, _TAG, second_oci.digest, second_oci),
        invocations.exchange_manifest(repository, _TAG, oci.digest, second_oci),
        invocations.delete_tag(repository, _TAG),
        *(invocations.delete_manifest(repository, manifest.digest) for manifest in (both, docker, oci, second_oci)),
        *(invocations.delete_blob(repository, content.digest) for content in _contents(world, docker_config)),
        invocations.delete_blob(second, blob.digest),
    )


def _catalog(world: World, repository: str) -> tuple[Invocation, ...]:
    """Docker's, and not the specification's: asked for only where clients will."""
    if not world.weights.get(F.LIST_CATALOG):
        return ()
    return (invocations.list_catalog(repository, world.namespace.prefix, 3, world.namespace.path),)


def _by_sha512(world: World, repository: str, style: PushStyle) -> tuple[Invocation, ...]:
    """No registry need take it: asked for only where clients will."""
    if not is_used(world):
        return ()
    blob = Content.seeded(f"{world.seed}/probe/{SHA512}", 64, algorithm=SHA512)
    return (invocations.push_blob(repository, blob, style), invocations.delete_blob(repository, blob.digest))


def unsupported(world: World, operations: Iterable[Operation]) -> dict[str, str]:
    """What the probe's operations say is not supported, with the registry's words for it."""
    own = (world.namespace.repository(PROBE_REPOSITORY), world.namespace.repository(_SECOND_REPOSITORY))
    return {
        _capability(operation): reason
        for operation in operations
        if operation.key.startswith(own) and (reason := _declined(operation)) is not None
    }


def _contents(world: World, docker_config: Content) -> list[Content]:
    return [*(configuration(f"{world.seed}/probe/{style}") for style in world.push_styles), docker_config]


def _capability(operation: Operation) -> str:
    if (digest_of(operation.key) or "").startswith(f"{SHA512}:"):
        return SHA512
    if operation.f is F.PUSH_BLOB and operation.asked.style is not None:
        return operation.asked.style
    if operation.f is F.GET_BLOB:
        return BLOB_RANGES
    if operation.f is F.PUT_MANIFEST and operation.asked.media_type != OCI_MANIFEST:
        is_index = any(reference.is_manifest for reference in operation.asked.references)
        return INDEXES if is_index else DOCKER_MANIFESTS
    return COMPARE_AND_SET if operation.asked.if_match is not None else operation.f


def _declined(operation: Operation) -> str | None:
    answered = operation.answered
    if operation.asked.if_match is not None:
        return _not_compared(operation)
    if operation.asked.range is not None and operation.kind is Kind.OK and answered.status == 200:
        return "answers 200 with the whole blob"
    if operation.kind is not Kind.FAIL or answered.status is None:
        return None
    code = answered.error_code
    is_mount = operation.f is F.MOUNT_BLOB and answered.status == 202
    is_declined = answered.status in _DECLINED or code in _DECLINED_CODES
    is_unrouted = answered.status in (400, 404) and code not in _UNKNOWN_CODES
    # Whatever the code: these are 404 only where there is no such API (spec.md#unavailable-referrers-api).
    is_unrouted = is_unrouted or (operation.f in (F.LIST_REFERRERS, F.LIST_CATALOG) and answered.status == 404)
    if not (is_mount or is_declined or is_unrouted):
        return None
    return f"{answered.status} {code}" if code else str(answered.status)


def _not_compared(put: Operation) -> str | None:
    """Why a conditional write is no compare-and-set; one of the two asks for what the tag cannot name yet."""
    status, holds = put.answered.status, put.asked.if_match != f'"{put.asked.digest}"'
    is_wrong = status == _TURNED_DOWN if holds else put.kind is Kind.OK
    if not is_wrong and not (put.kind is Kind.FAIL and (status == _BAD_REQUEST or status in _DECLINED)):
        return None
    return f"{status} to an If-Match that {'matches' if holds else 'does not match'}"
