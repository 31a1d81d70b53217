"""Known bugs of the class of a finding."""

from nscr_cli.reporting.known_bugs import _GROUPS, read_catalogue


def test_a_rule_names_the_bugs_of_its_groups() -> None:
    found = read_catalogue().of_rule("lost-write")
    assert [invariant.split()[0] for invariant in found] == ["An", "Crash,"]
    assert all(bugs for bugs in found.values())


def test_every_group_that_a_rule_names_exists() -> None:
    named = {group for groups in _GROUPS.values() for group in groups}
    assert named <= {group.id for group in read_catalogue().group}


def test_a_rule_without_known_bugs_has_none() -> None:
    assert read_catalogue().of_rule("untrue-figure") == {}
