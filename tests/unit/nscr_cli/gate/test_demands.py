"""From flags and a file to what is demanded."""

import pytest

from nscr_cli.commands.gate import demanded
from nscr_cli.errors import UsageError
from nscr_cli.gate.demands import Demands, Expectation
from nscr_cli.gate.demands_file import DemandsFile, parse_demands, percent_of
from nscr_cli.gate.sampling import sampled
from nscr_cli.gate.subjects import Subject, Thing

NOTHING = DemandsFile()


def test_nothing_asked() -> None:
    assert demanded(NOTHING, NOTHING, seed=0) == Demands()


def test_a_file_says_it_all() -> None:
    text = """
        sample = "5%"
        max_unreferenced = 10
        max_orphaned = 1
        max_session_age = "2h"
        require_healthy = true
        sparse_indexes = false
    """
    assert demanded(NOTHING, parse_demands(text, "f"), seed=3) == Demands(
        sample_percent=5.0,
        seed=3,
        max_unreferenced=10,
        max_orphaned=1,
        max_session_age_s=7200.0,
        health=Expectation.REQUIRED,
        are_sparse_allowed=False,
    )


def test_flags_go_before_the_file() -> None:
    file = parse_demands("deep = true\nmax_unreferenced = 10\nrequire_healthy = true\nmax_session_age = 60", "f")
    flags = DemandsFile(sample="1", max_unreferenced=0, require_healthy=False)
    assert demanded(flags, file, seed=0) == Demands(
        sample_percent=1.0, max_unreferenced=0, max_session_age_s=60.0, health=Expectation.IGNORED
    )
    assert demanded(DemandsFile(deep=False), file, seed=0).is_deep is False


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("max_orphans = 1", "unknown key `max_orphans`", "did you mean `max_orphaned`?"),
        ("zzz = 1", "unknown key `zzz`", "keys: deep, max_orphaned"),
        ("max_orphaned = -1", "`max_orphaned` is -1", "0 or more"),
        ("max_orphaned = true", "$.max_orphaned", "the file itself"),
        ("deep = 3", "$.deep", "the file itself"),
        ("deep =", "not TOML", "toml.io"),
    ],
)
def test_a_file_that_does_not_hold_together(text: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_demands(text, "limits.toml")
    assert "limits.toml" in raised.value.message
    assert message in raised.value.message
    assert hint in raised.value.hint


def test_all_and_a_sample_exclude_each_other() -> None:
    with pytest.raises(UsageError, match="a sample"):
        demanded(DemandsFile(deep=True, sample="5%"), NOTHING, seed=0)


@pytest.mark.parametrize("text", ["0", "-1%", "101", "x", "", "nan"])
def test_no_share(text: str) -> None:
    with pytest.raises(UsageError, match="no share"):
        percent_of(text)


def test_a_sample_follows_from_its_seed_and_is_never_empty() -> None:
    blobs = [Subject(Thing.BLOB, "a", f"sha256:{number}") for number in range(200)]
    chosen = sampled(blobs, percent=5, seed=1)
    assert len(chosen) == 10
    assert sampled(reversed(blobs), percent=5, seed=1) == chosen
    assert sampled(blobs, percent=5, seed=2) != chosen
    assert set(chosen) < set(sampled(blobs, percent=50, seed=1))
    assert len(sampled(blobs[:3], percent=1, seed=1)) == 1
    assert sampled([], percent=5, seed=1) == []
    assert set(sampled(blobs, percent=100, seed=1)) == set(blobs)
