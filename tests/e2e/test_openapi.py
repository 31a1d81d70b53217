"""The monitoring API does what its OpenAPI document says, by requests that schemathesis makes from it."""

import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "positive_data_acceptance",
    "unsupported_method",
    "allow_header_conformance",
)
INDEX = b'{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}'
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"


def test_requests_made_from_the_document(serve: Any, tmp_path: Path) -> None:
    served = serve()
    for target in ("/v2/app/manifests/t", "/v2/team/app/manifests/t"):
        httpx.put(served.url + target, content=INDEX, headers={"content-type": INDEX_TYPE}, trust_env=False)
    seed = os.environ.get("NSCR_FUZZ_SEED", str(random.SystemRandom().randrange(2**32)))
    print(f"NSCR_FUZZ_SEED={seed}")
    done = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"),
            "run",
            f"{served.url}/openapi.json",
            *("--checks", ",".join(CHECKS)),
            # Streams never end by themselves, and a shutdown would end the test: both have tests of their own.
            *("--exclude-path-regex", "(stream|shutdown)$"),
            *("--phases", "examples,coverage,fuzzing", "--max-examples", "30", "--seed", seed, "--no-color"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in served.log.read_text()
