"""One look at a tag, a manifest or a blob; and whether what led to it still does. Thin: rules.py judges."""

import trio

from nscr_cli.client.completions import Completion
from nscr_cli.client.operations import perform
from nscr_cli.client.registry import RegistryClient
from nscr_cli.gate.rules import identity, is_absent, is_present, needs_second_head
from nscr_cli.gate.subjects import Sight, Subject, Thing
from nscr_cli.gate.survey import Survey
from nscr_cli.history.invocation import Invocation
from nscr_cli.history.ops import Asked, F

LONGEST_WAIT_S = 30.0
_NO_SUCH_RANGE = 416
_READS = {
    Thing.TAG: (F.HEAD_MANIFEST, F.GET_MANIFEST),
    Thing.MANIFEST: (F.HEAD_MANIFEST, F.GET_MANIFEST),
    Thing.BLOB: (F.HEAD_BLOB, F.GET_BLOB),
}


async def list_tags(registry: RegistryClient, repository: str) -> Completion:
    """The tags of a repository, all pages."""
    return await perform(registry, Invocation(f=F.LIST_TAGS, key=repository, asked=Asked()))


async def look(registry: RegistryClient, subject: Subject, *, reads_bytes: bool) -> Sight:
    """HEAD and GET; of a blob whose bytes are not wanted, HEAD alone."""
    f_head, f_get = _READS[subject.thing]
    head = await _read(registry, f_head, subject)
    if subject.thing is Thing.BLOB and not reads_bytes:
        if not _leads_elsewhere(head):
            return Sight(head, head, head)
        # What a redirect leads to was signed for GET: its first byte shows that it is there, and how long it is.
        first = await _read(registry, f_get, subject, range_=(0, 0))
        if first.answered.status == _NO_SUCH_RANGE:  # a blob of nothing has no first byte
            first = await _read(registry, f_get, subject)
        return Sight(first, first, first)
    get = await _read(registry, f_get, subject)
    if subject.thing is Thing.BLOB and _leads_elsewhere(head):
        return Sight(get, get, get)  # HEAD has nothing to say that could be compared
    sight = Sight(head, get, head)
    if needs_second_head(subject, sight):
        return Sight(sight.head, sight.get, await _read(registry, f_head, subject))
    return sight


async def is_needed(registry: RegistryClient, survey: Survey, subject: Subject) -> bool:
    """Whether something still leads to the subject, as far as that can be found out: from its manifest up to a tag.

    A tag leads to what it names as long as it is listed.
    """
    if subject.thing is Thing.TAG:
        listed = await list_tags(registry, subject.repository)
        return not is_absent(listed) and (not is_present(listed) or subject.reference in (listed.answered.tags or ()))
    for parent in survey.parents(subject):
        if parent.thing is Thing.TAG:
            if await _still_names(registry, parent, subject.reference):
                return True
        elif not is_absent(await _read(registry, F.HEAD_MANIFEST, parent)) and await is_needed(
            registry, survey, parent
        ):
            return True
    return False


async def pause(completion: Completion | None, pause_s: float = 0.0) -> None:
    """Wait, longer where the registry asks for it."""
    asked_s = completion.answered.retry_after_s if completion is not None else None
    await trio.sleep(min(max(pause_s, asked_s or 0.0), LONGEST_WAIT_S))


async def _still_names(registry: RegistryClient, tag: Subject, digest: str) -> bool:
    head = await _read(registry, F.HEAD_MANIFEST, tag)
    if is_present(head) and head.answered.header_digest is None:
        head = await _read(registry, F.GET_MANIFEST, tag)
    return not is_absent(head) and identity(head.answered) in (None, digest)


async def _read(
    registry: RegistryClient, f: F, subject: Subject, *, range_: tuple[int, int] | None = None
) -> Completion:
    digest = None if subject.thing is Thing.TAG else subject.reference
    return await perform(registry, Invocation(f=f, key=subject.key, asked=Asked(digest=digest, range=range_)))


def _leads_elsewhere(head: Completion) -> bool:
    return 300 <= (head.answered.status or 0) < 400
