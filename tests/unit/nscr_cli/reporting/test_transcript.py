"""The curl transcript: a shell script that asks the same, whatever the names in it."""

import subprocess
from collections.abc import Callable

import pytest

from nscr_cli.checkers.inventory import UPLOAD_STEPS
from nscr_cli.history.history import History
from nscr_cli.history.ops import Answered, Asked, F, Kind, Op, Phase, PushStyle
from nscr_cli.reporting.transcript import transcript

DIGEST = "sha256:" + "a" * 64
HOSTILE = "x';touch /tmp/owned;'$(id)`id`\n\x1b]0;"


def asks(f: F, key: str, *, answered: Answered | None = None, error: str | None = None, **asked: object) -> str:
    shared = {"process": 1, "f": f, "key": key, "phase": Phase.MAIN, "intended_ns": 0}
    invoked = Op(index=0, kind=Kind.INVOKE, time_ns=0, asked=Asked(**asked), **shared)
    ended = Op(index=1, kind=Kind.FAIL, time_ns=1, answered=answered or Answered(status=202), error=error, **shared)
    script = transcript("http://127.0.0.1:5000", History([invoked, ended]).operations)
    subprocess.run(["sh", "-n"], input=script, text=True, check=True)
    return script


def test_a_step_through_another_repository_is_asked_for_there_of_an_upload_that_was_begun_in_its_own() -> None:
    script = asks(F.GET_UPLOAD, f"c/d@{DIGEST}", upload="u", source="a/b")
    opening, _, _, moving, asking = script.splitlines()[-5:]
    assert opening == 'follow --request POST "$REGISTRY"/v2/a/b/blobs/uploads/'
    assert "sed s,/v2/a/b/blobs/,/v2/c/d/blobs/," in moving
    assert asking == 'follow "$upload"'


@pytest.mark.parametrize(
    ("f", "key", "asked", "line"),
    [
        (
            F.GET_BLOB,
            f"a/b@{DIGEST}",
            {"range": (1, 9)},
            f'ask --output - --range 1-9 "$REGISTRY"/v2/a/b/blobs/{DIGEST}',
        ),
        (F.DELETE_TAG, "a/b:t", {}, 'ask --request DELETE "$REGISTRY"/v2/a/b/manifests/t'),
        (F.LIST_TAGS, "a/b", {"page_size": 3}, "ask \"$REGISTRY\"'/v2/a/b/tags/list?n=3'"),
        (F.LIST_PAGE, "a/b", {"page_size": 3, "last": "t"}, "ask \"$REGISTRY\"'/v2/a/b/tags/list?n=3&last=t'"),
        (F.LIST_PAGE, "a/b", {"page_query": "n=%00", "last": "t"}, "ask \"$REGISTRY\"'/v2/a/b/tags/list?n=%00'"),
        (F.LIST_CATALOG, "a/b", {"page_size": 3, "last": "a"}, "ask \"$REGISTRY\"'/v2/_catalog?n=3&last=a'"),
        (
            F.GET_BLOB,
            f"a/b@{DIGEST}",
            {"range_text": "bytes=-4", "range": (6, 9), "if_none_match": '"e"'},
            (
                f"ask --output - --header 'Range: bytes=-4' --header 'If-None-Match: \"e\"' "
                f'"$REGISTRY"/v2/a/b/blobs/{DIGEST}'
            ),
        ),
        (F.HEAD_MANIFEST, "a/b:t", {"accept": ""}, 'ask --head --header Accept: "$REGISTRY"/v2/a/b/manifests/t'),
        (
            F.MOUNT_BLOB,
            f"a/b@{DIGEST}",
            {"source": "c"},
            f"ask --request POST \"$REGISTRY\"'/v2/a/b/blobs/uploads/?mount={DIGEST}&from=c'",
        ),
        (
            F.PUT_MANIFEST,
            "a/b:t",
            {"digest": DIGEST, "media_type": "text/x"},
            (
                "ask --request PUT --header 'Content-Type: text/x' --data-binary "
                f'@"$BODIES"/{DIGEST.replace(":", "-")} "$REGISTRY"/v2/a/b/manifests/t'
            ),
        ),
    ],
)
def test_each_asks_what_was_asked(f: F, key: str, asked: dict[str, object], line: str) -> None:
    assert asks(f, key, **asked).splitlines()[-1] == line


def test_the_chunk_out_of_order_is_sent_where_it_was() -> None:
    answered = Answered(status=202, sent_offsets=(4,))
    push = {"size": 10, "style": PushStyle.CHUNKED_PATCH, "out_of_order": True, "digest": DIGEST}
    script = asks(F.PUSH_BLOB, f"a/b@{DIGEST}", answered=answered, **push)
    ranges = [line.split("Content-Range: ")[1].split("'")[0] for line in script.splitlines() if "Content-Range" in line]
    assert ranges == ["0-3", "5-9", "4-9"]


def test_the_steps_of_an_upload_follow_each_other() -> None:
    def step(f: F, **asked: object) -> list[str]:
        return asks(f, f"a/b@{DIGEST}", upload="u", **asked).splitlines()

    assert step(F.START_UPLOAD)[-1].startswith("follow --request POST")
    patch = step(F.PATCH_UPLOAD, size=3, range=(4, 6))
    assert '--data-binary @"$BODIES"/part-' in patch[-1]
    assert "Content-Range: 4-6" in patch[-1]
    assert step(F.GET_UPLOAD)[-1] == 'follow "$upload"'
    assert "with_digest" in step(F.FINISH_UPLOAD)[-1]
    last = step(F.FINISH_UPLOAD, range=(6, 8))
    assert '--data-binary @"$BODIES"/part-' in last[-1]
    assert "Content-Range: 6-8" in last[-1]
    assert step(F.CANCEL_UPLOAD)[-1] == 'ask --request DELETE "$upload"'


def test_an_upload_that_nobody_opened_is_opened_once() -> None:
    script = asks(F.PATCH_UPLOAD, f"a/b@{DIGEST}", upload="u", size=3, range=(0, 2))
    opening, patch = (number for number, line in enumerate(script.splitlines()) if line.startswith("follow --request"))
    assert opening < patch
    assert asks(F.START_UPLOAD, f"a/b@{DIGEST}", upload="u").count("follow --request POST") == 1


@pytest.mark.parametrize("style", list(PushStyle))
def test_every_style_of_push_ends_with_the_digest(style: PushStyle) -> None:
    assert DIGEST in asks(F.PUSH_BLOB, f"a/b@{DIGEST}", size=10, style=style).splitlines()[-1]


@pytest.mark.parametrize("f", list(F))
def test_hostile_names_run_nothing(f: F) -> None:
    upload = HOSTILE if f in UPLOAD_STEPS else None
    script = asks(
        f,
        f"{HOSTILE}:{HOSTILE}",
        error=HOSTILE,
        digest=HOSTILE,
        media_type=HOSTILE,
        artifact_type=HOSTILE,
        upload=upload,
    )
    # The calls are words to the shell: nothing is run but the functions of the script, and nothing is expanded.
    stub = "ask() { :; }\nfollow() { upload=; }\nid() { echo RUN; }\ntouch() { echo RUN; }\n"
    calls = script.partition("\n\n")[2]
    ran = subprocess.run(["sh", "-c", stub + calls], capture_output=True, text=True, check=False)
    assert "RUN" not in ran.stdout
    assert "\x1b" not in script


def test_credentials_are_names_of_variables(operation: Callable[..., list[Op]]) -> None:
    script = transcript(None, History(operation(0)).operations)
    assert '--user "$NSCR_USERNAME:$NSCR_PASSWORD"' in script
