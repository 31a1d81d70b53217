"""Operations in words, for explanations that a registry's maintainer reads beside the registry's own log."""

from nscr_cli.history.history import NEVER, Operation
from nscr_cli.history.ops import F, Kind

_SHOWN_HEX = 12


def short(digest: str | None) -> str:
    """A digest cut to what tells it apart; `absent` for none."""
    if digest is None:
        return "absent"
    algorithm, _, encoded = digest.partition(":")
    return f"{algorithm}:{encoded[:_SHOWN_HEX]}"


def seconds(stamp_ns: int) -> str:
    """A time on the run's clock."""
    return f"{stamp_ns / 1e9:.6f} s"


def told(operation: Operation) -> str:
    """Who asked what, when, and what came back."""
    end = "on, for nobody knows how long" if operation.end_ns == NEVER else f"to {seconds(operation.end_ns)}"
    wrote = f" of {short(operation.asked.digest)}" if operation.asked.digest and "@" not in operation.key else ""
    return (
        f"#{operation.index} {operation.f} {operation.key}{wrote}{_chunk(operation)} by process {operation.process}, "
        f"from {seconds(operation.start_ns)} {end}: {outcome(operation)}"
    )


def _chunk(operation: Operation) -> str:
    """Of a step of an upload: which upload, and which bytes were sent."""
    asked = operation.asked
    if asked.upload is None:
        return ""
    sent = f" of {asked.size} bytes" if operation.f is F.PATCH_UPLOAD else ""
    return (
        f" (upload {asked.upload}{sent}{f', Content-Range {asked.range[0]}-{asked.range[1]}' if asked.range else ''})"
    )


def outcome(operation: Operation) -> str:
    """What came back."""
    answered = operation.answered
    parts = [str(answered.status) if answered.status is not None else "no status"]
    if answered.present is False:
        parts.append("not there")
    elif operation.kind is Kind.OK and (answered.digest or answered.header_digest):
        parts.append(short(answered.digest or answered.header_digest))
    if answered.length is not None and operation.f in (F.GET_BLOB, F.GET_MANIFEST) and answered.present:
        parts.append(f"{answered.length} bytes")
    if operation.asked.upload is not None and answered.stored_offsets:
        parts.append(f"{answered.stored_offsets[-1]} bytes stored")
    if answered.error_code:
        parts.append(answered.error_code)
    if operation.kind is not Kind.OK:
        parts.append(operation.kind.value)
        if operation.error:
            parts.append(f"({operation.error})")
    return " ".join(parts)
