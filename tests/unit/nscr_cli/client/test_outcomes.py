"""The whole table: every capability, every status, answered or not, sent or not."""

import pytest

from nscr_cli.client.outcomes import ACKNOWLEDGED, READS, kind_of
from nscr_cli.history.ops import F, Kind

OK, FAIL, INFO = Kind.OK, Kind.FAIL, Kind.INFO
STATUSES = range(200, 600)


@pytest.mark.parametrize("f", F)
def test_every_capability_is_either_a_read_or_can_be_acknowledged(f: F) -> None:
    assert (f in READS) != (f in ACKNOWLEDGED)


@pytest.mark.parametrize("f", sorted(ACKNOWLEDGED))
@pytest.mark.parametrize("is_complete", [True, False])
def test_writes_by_status(f: F, is_complete: bool) -> None:
    created = {F.PUSH_BLOB: {201, 204}, F.MOUNT_BLOB: {201}, F.PUT_MANIFEST: {200, 201, 204}}
    created |= {F.START_UPLOAD: {202}, F.PATCH_UPLOAD: {200, 201, 202, 204}, F.FINISH_UPLOAD: {201, 204}}
    for status in STATUSES:
        if status in created.get(f, {200, 202, 204}):
            expected = OK
        elif f is F.MOUNT_BLOB and status == 202:
            expected = FAIL
        elif status < 300:
            expected = INFO
        elif (status < 500 and status not in (408, 499)) or status in (501, 505):
            expected = FAIL
        else:
            expected = INFO
        assert kind_of(f, status=status, is_complete=is_complete, was_sent=True) is expected, status


@pytest.mark.parametrize("f", sorted(ACKNOWLEDGED))
def test_writes_without_an_answer(f: F) -> None:
    assert kind_of(f, status=None, is_complete=False, was_sent=False) is FAIL
    assert kind_of(f, status=None, is_complete=False, was_sent=True) is INFO


@pytest.mark.parametrize("f", sorted(READS))
def test_reads_are_never_info(f: F) -> None:
    answers = {F.LIST_REFERRERS: (200,), F.LIST_CATALOG: (200,), F.GET_UPLOAD: (200, 202, 204, 404)}.get(
        f, (200, 206, 404)
    )
    for status in STATUSES:
        expected = OK if status in answers else FAIL
        assert kind_of(f, status=status, is_complete=True, was_sent=True) is expected, status
        assert kind_of(f, status=status, is_complete=False, was_sent=True) is FAIL
    for was_sent in (True, False):
        assert kind_of(f, status=None, is_complete=False, was_sent=was_sent) is FAIL
