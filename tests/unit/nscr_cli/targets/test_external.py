"""Consent: a host that is not this machine is tortured only when it was named."""

import pytest

from nscr_cli.client.target import parse_target
from nscr_cli.errors import ConsentError
from nscr_cli.targets.external import check_consent


@pytest.mark.parametrize("url", ["localhost:5000", "http://127.0.0.1:5000", "http://127.9.9.9", "http://[::1]:5000"])
def test_this_machine_needs_none(url: str) -> None:
    check_consent(parse_target(url)[0], None)


@pytest.mark.parametrize("host", ["registry.example", "10.0.0.1", "[2001:db8::1]", "0.0.0.0", "localhost.example"])  # noqa: S104
def test_any_other_host_does(host: str) -> None:
    with pytest.raises(ConsentError) as caught:
        check_consent(parse_target(f"https://{host}")[0], None)
    assert host.strip("[]") in caught.value.message
    assert "--i-may-torture" in caught.value.hint


def test_consent_for_one_host_is_none_for_another() -> None:
    address = parse_target("https://registry.example:5000/prefix")[0]
    check_consent(address, "Registry.Example")
    for other in ("example", "registry.example.org", "", "*", "registry.example:5000"):
        with pytest.raises(ConsentError):
            check_consent(address, other)
