"""What the planner takes and what it leaves, case by case."""

from nscr.core.collection import ManifestFacts, plan_untagged
from nscr.oci.digest import Digest, digest_of
from nscr.oci.manifests import Edge, EdgeKind


def named(name: str) -> Digest:
    return digest_of(name.encode())


def facts(name: str, *, held: bool = False, pushed: int = 0, children: str = "", subject: str = "") -> ManifestFacts:
    edges = [Edge(EdgeKind.CHILD, named(child), 1) for child in children]
    edges += [Edge(EdgeKind.SUBJECT, named(subject), 1)] if subject else []
    return ManifestFacts(named(name), pushed, held, tuple(edges))


def plan(*manifests: ManifestFacts, before: int = 10) -> list[Digest]:
    return plan_untagged(manifests, before=before)


def test_held_and_young_ones_stay() -> None:
    assert plan(facts("a", held=True), facts("b", pushed=10), facts("c", pushed=9)) == [named("c")]


def test_all_below_and_beside_what_stays_stays() -> None:
    assert plan(
        facts("i", held=True, children="ab"),
        facts("a", children="c"),
        facts("b", children="c"),
        facts("c"),
        facts("r", subject="c"),
        facts("s", subject="r", children="t"),
        facts("t"),
    ) == []  # fmt: skip


def test_owners_go_before_what_they_owned() -> None:
    gone = plan(facts("c"), facts("r", subject="c"), facts("a", children="bc"), facts("b", children="c"), facts("x"))
    assert set(gone) == {named(name) for name in "acbrx"}
    order = {digest: number for number, digest in enumerate(gone)}
    for first, second in ("ab", "ac", "bc", "cr"):
        assert order[named(first)] < order[named(second)]


def test_what_points_at_nothing_is_judged_by_itself() -> None:
    assert set(plan(facts("a", children="z"), facts("r", subject="z"))) == {named("a"), named("r")}


def test_marking_ends_in_a_circle() -> None:
    assert plan(facts("a", subject="b", held=True), facts("b", subject="a")) == []
    assert set(plan(facts("a", subject="b"), facts("b", subject="a"))) == {named("a"), named("b")}


def test_very_deep_nesting() -> None:
    chain = [facts("n0", held=True)] + [
        ManifestFacts(named(f"n{n}"), 0, False, (Edge(EdgeKind.SUBJECT, named(f"n{n - 1}"), 1),))
        for n in range(1, 5000)
    ]
    assert plan(*chain) == []
