"""docs/api.md is what the tables of routes and failures say, and the tables say enough."""

from pathlib import Path

import pytest

from nscr import errors
from nscr.errors import ClientFault, RegistryError, StartError
from nscr.http.faults import FAULTS, INVALID_INPUT
from nscr.http.reference import render_reference
from nscr.http.routes import ROUTES
from nscr.oci.errors import ErrorCode

ROOT = Path(__file__).parents[2]
OUR_CODES = {ErrorCode.UNKNOWN, ErrorCode.UNAVAILABLE}


def test_the_document_is_fresh():
    written = (ROOT / "docs" / "api.md").read_text()
    assert written == render_reference(), "python -m nscr --api-reference > docs/api.md"


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.template)
def test_every_handler_says_what_it_does(route):
    for handler in route.handlers.values():
        assert (handler.__doc__ or "").strip()


def test_every_fault_has_a_row():
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, RegistryError)}
    at_a_request = {kind for kind in kinds if not issubclass(kind, StartError)} - {RegistryError, ClientFault}
    assert not [kind for kind in at_a_request if not set(kind.__mro__) & set(FAULTS)]


def test_a_client_is_told_codes_of_the_specification_only():
    for kind, fault in FAULTS.items():
        assert (fault.code in OUR_CODES) == (fault.status >= 500), kind
        assert issubclass(kind, ClientFault) == (fault.status < 500), kind
    assert not OUR_CODES & set(INVALID_INPUT)
