import msgspec
import pytest

from nscr.http import spool
from nscr.http.documents import RepositoriesDocument, RepositoryDocument
from nscr.http.spool import Spool

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("count", [0, 1, spool.BATCH - 1, spool.BATCH, spool.BATCH + 1, 20_000])
async def test_a_document_is_written_piece_by_piece_and_read_back_whole(count: int) -> None:
    items = [RepositoryDocument(name=f"repository-{number}", last_uploaded=number) for number in range(count)]
    held = Spool()
    held.write_document(RepositoriesDocument(timestamp=5), iter(items))
    pieces = [piece async for piece in held]
    await held.aclose()
    assert max(map(len, pieces)) <= spool.PIECE_BYTES
    assert held.length == sum(map(len, pieces))
    assert (held.length > spool.HELD_BYTES) is (count == 20_000)
    assert msgspec.json.decode(b"".join(pieces), type=RepositoriesDocument) == RepositoriesDocument(
        timestamp=5, repositories=items
    )
