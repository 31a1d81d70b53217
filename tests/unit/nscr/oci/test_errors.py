import json

from nscr.oci.errors import ErrorCode, envelope


def test_the_envelope_of_the_specification() -> None:
    assert json.loads(envelope(ErrorCode.BLOB_UNKNOWN, "gone")) == {
        "errors": [{"code": "BLOB_UNKNOWN", "message": "gone"}]
    }
    assert json.loads(envelope(ErrorCode.MANIFEST_BLOB_UNKNOWN, "gone", detail=[{"digest": "d"}])) == {
        "errors": [{"code": "MANIFEST_BLOB_UNKNOWN", "message": "gone", "detail": [{"digest": "d"}]}]
    }
