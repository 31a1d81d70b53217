"""Bodies under entity tags, and the room that they have."""

from nscr_cli.client.monitoring.seen import Seen, SeenBodies


def test_the_last_body_of_a_path_is_kept() -> None:
    bodies = SeenBodies()
    assert bodies.of("a") is None
    bodies.keep("a", "1", b"one")
    bodies.keep("a", "2", b"two")
    assert bodies.of("a") == Seen("2", b"two")
    bodies.keep("a", None, b"three")
    assert bodies.of("a") is None


def test_what_was_asked_for_longest_ago_makes_room() -> None:
    bodies = SeenBodies(room=6)
    for path in ("a", "b", "c"):
        bodies.keep(path, path, b"xx")
    bodies.of("a")
    bodies.keep("d", "d", b"xxxx")
    assert [path for path in ("a", "b", "c", "d") if bodies.of(path) is not None] == ["a", "d"]
    bodies.keep("e", "e", b"x" * 7)
    assert [path for path in ("a", "d", "e") if bodies.of(path) is not None] == ["a", "d"]
