"""Whose fault a failure is, drawn as a tree.

    RegistryError
    ├── ClientFault               the request was wrong, or asked for what is not there (4xx)
    │   ├── NameUnknown
    │   ├── BlobUnknown
    │   ├── DigestMismatch
    │   ├── UploadUnknown, UploadBusy, UploadOutOfOrder, UploadLengthWrong, UploadTooLarge
    │   ├── TooManyUploads, TooManyChecks, TooManyDocuments, ClientTooSlow, BodyBroken, HeadTooLarge
    │   ├── ManifestUnknown, ManifestReferencesUnknown, ManifestTooLarge
    │   ├── PreconditionFailed, TooManyTags, RangeUnsatisfiable
    │   └── Unauthorized, RouteUnknown, MethodUnsupported
    ├── StoreFault                the disk or the database failed; nothing was acknowledged (5xx)
    │   ├── ContentDamaged        committed bytes are missing or have another length
    │   ├── StoreFull             no room left
    │   └── WritesRefused         an fsync failed earlier: nothing is written until a restart
    └── StartError                `nscr serve` cannot start; carries a hint and an exit code
        ├── ConfigurationError    a setting is wrong (exit 2)
        └── EnvironmentFault      port, folder or lock is not to be had (exit 5)

What breaks a grammar is `nscr.oci.errors.InvalidInput`. Statuses and codes of the specification are not known here.
"""

from collections.abc import Sequence


class RegistryError(Exception):
    """Base of all that the registry raises on purpose."""


class ShuttingDown(RegistryError):
    """Nobody's fault; nothing changed."""

    def __init__(self) -> None:
        super().__init__("the registry is shutting down and did not finish this; nothing of it was acknowledged")


class ClientFault(RegistryError):
    """The client is told; nothing changed."""


class NameUnknown(ClientFault):
    def __init__(self, name: str) -> None:
        super().__init__(f"repository {name!r} is unknown")


class BlobUnknown(ClientFault):
    def __init__(self, name: str, digest: str) -> None:
        super().__init__(f"blob {digest} is unknown to repository {name!r}")


class DigestMismatch(ClientFault):
    def __init__(self, expected: str, actual: str) -> None:
        super().__init__(f"the content has digest {actual}, not {expected}")


class UploadUnknown(ClientFault):
    def __init__(self, name: str, upload: str) -> None:
        super().__init__(f"upload {upload[:100]!r} is unknown to repository {name!r}")


class UploadBusy(ClientFault):
    def __init__(self, upload: str) -> None:
        super().__init__(f"another request is writing to upload {upload}")


class UploadOutOfOrder(ClientFault):
    """Attributes: offset, the number of bytes that the upload holds."""

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(f"{reason}; the upload holds {offset} bytes")
        self.offset = offset


class UploadLengthWrong(ClientFault):
    def __init__(self, expected: int, actual: str) -> None:
        super().__init__(f"Content-Range announces {expected} bytes, the body holds {actual}")


class UploadTooLarge(ClientFault):
    def __init__(self, limit: int) -> None:
        super().__init__(f"uploads are limited to {limit} bytes")


class TooManyUploads(ClientFault):
    def __init__(self, limit: int) -> None:
        super().__init__(f"{limit} uploads are open already; close or cancel some, or come back later")


class TooManyChecks(ClientFault):
    def __init__(self) -> None:
        super().__init__("too many of your credentials are being checked; come back later")


class TooManyDocuments(ClientFault):
    def __init__(self, limit: int) -> None:
        super().__init__(f"{limit} large manifests are being pushed already; come back later")


class HeadTooLarge(ClientFault):
    def __init__(self, limit: int) -> None:
        super().__init__(f"address and headers together are limited to {limit} bytes")


class ClientTooSlow(ClientFault):
    def __init__(self, received: int) -> None:
        super().__init__(f"the rest of the body did not come in time; {received} bytes did")


class BodyBroken(ClientFault):
    """The client hung up before its request was complete, or broke the framing: servers tell the two alike."""

    def __init__(self) -> None:
        super().__init__("the body ended early, or is not framed as HTTP asks")


class ManifestUnknown(ClientFault):
    def __init__(self, name: str, reference: str) -> None:
        super().__init__(f"manifest {reference[:200]!r} is unknown to repository {name!r}")


class ManifestReferencesUnknown(ClientFault):
    """Attributes: missing, the digests that the repository lacks."""

    def __init__(self, name: str, missing: Sequence[str]) -> None:
        super().__init__(f"repository {name!r} lacks {len(missing)} of what the manifest references")
        self.missing = tuple(missing)


class ManifestTooLarge(ClientFault):
    def __init__(self, limit: int) -> None:
        super().__init__(f"manifests are limited to {limit} bytes")


class PreconditionFailed(ClientFault):
    def __init__(self, name: str, reference: str) -> None:
        super().__init__(f"{reference} in repository {name!r} is not what If-Match or If-None-Match asks for")


class TooManyTags(ClientFault):
    def __init__(self, count: int, limit: int) -> None:
        super().__init__(f"{count} tags in one request, the limit is {limit}")


class RangeUnsatisfiable(ClientFault):
    """Attributes: size, of the whole content."""

    def __init__(self, range_: str, size: int) -> None:
        super().__init__(f"{range_[:100]!r} selects none of {size} bytes")
        self.size = size


class Unauthorized(ClientFault):
    def __init__(self) -> None:
        super().__init__("credentials are missing or wrong")


class RouteUnknown(ClientFault):
    def __init__(self, path: str) -> None:
        super().__init__(f"there is nothing at {path[:200]!r}")


class MethodUnsupported(ClientFault):
    """Attributes: allowed, the methods that the path does support."""

    def __init__(self, method: str, allowed: Sequence[str]) -> None:
        super().__init__(f"{method[:40]} is not supported here")
        self.allowed = tuple(allowed)


class StoreFault(RegistryError):
    """Disk or database failed. What was asked may be repeated; it was not acknowledged."""


class ContentDamaged(StoreFault):
    """Attributes: digest, of what is damaged."""

    def __init__(self, digest: str, reason: str) -> None:
        super().__init__(f"stored content of {digest} is damaged: {reason}")
        self.digest = digest


class StoreFull(StoreFault):
    """No room is left on the disk."""


class WritesRefused(StoreFault):
    def __init__(self, reason: str) -> None:
        super().__init__(f"writes are refused until a restart: {reason}")


class StartError(RegistryError):
    """`nscr serve` cannot start.

    Attributes:
        hint: what the operator can do about it.
    """

    exit_code = 70

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class ConfigurationError(StartError):
    """A setting is wrong."""

    exit_code = 2


class EnvironmentFault(StartError):
    """What the machine should give is not to be had: port, folder, lock."""

    exit_code = 5
