"""Scenario files: what is wrong is named with its place and with what was probably meant."""

from pathlib import Path

import pytest

from nscr_cli.engine.scenario_file import MOST_WORKERS, load_scenario, parse_scenario, scenario_names
from nscr_cli.errors import ScenarioError
from nscr_cli.history.faults import Cut

GOOD = """
title = "t"
description = "d"
workload = "tags"
[weights]
read-tag = 1
"""


def with_line(line: str) -> str:
    return GOOD.replace("[weights]", f"{line}\n[weights]")


@pytest.mark.parametrize("name", scenario_names())
def test_every_shipped_scenario_loads_and_tells_what_it_hunts(name: str) -> None:
    scenario = load_scenario(name)
    assert len(scenario.title) < 120
    assert "Hunts:" in scenario.description
    assert "spec.md#" in scenario.description


def test_mixed_and_tags_are_shipped() -> None:
    assert {"mixed", "tags"} <= set(scenario_names())


def test_a_path_is_a_scenario_too(tmp_path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    assert load_scenario(str(path)).weights == {"read-tag": 1}


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (with_line("wokers = 3"), "unknown key `wokers`", "did you mean `workers`?"),
        (GOOD + "pull-imgae = 1", "unknown key `weights.pull-imgae`", "read-tag"),
        (GOOD + "delete-tags = 1", "unknown key `weights.delete-tags`", "did you mean `delete-tag`?"),
        (with_line('workers = "8"'), "Expected `int`, got `str` - at `$.workers`", ""),
        (with_line("workers = 0"), "`workers` is 0", "at least 1"),
        (with_line("workers = 10001"), "`workers` is 10001", "at most 10000"),
        (with_line("duration_s = -1.0"), "`duration_s` is -1.0", "longer than nothing"),
        (with_line("blob_sizes = [9, 3]"), "`blob_sizes` is (9, 3)", "smallest, then largest"),
        (with_line('catalogue = ["S6"]'), "`catalogue` is ('S6',)", 'ids such as "S06"'),
        (with_line('tag_model = "strong"'), "`tag_model` is 'strong'", "linearizable"),
        (with_line('tag_model = "eventual(soon)"'), "`tag_model` is 'eventual(soon)'", "eventual(T)"),
        (GOOD + '[thresholds]\n"p98.all" = "1s"', "`thresholds` is 'p98.all'", "did you mean `p99`?"),
        (GOOD + '[thresholds]\n"p99.get-manifst" = "1s"', "`thresholds` is 'p99.get-manifst'", "`get-manifest`"),
        (GOOD + '[thresholds]\n"p99.all" = "soon"', "`thresholds.p99.all` is 'soon'", "a duration such as 500ms"),
        (GOOD + '[thresholds]\np99.all = "1s"', "`thresholds.p99` is", "in quotes"),
        (with_line("size_sweep = [[0, 9], [9, 3]]"), "`size_sweep` is ((0, 9), (9, 3))", "smallest, then largest"),
        (with_line("bystander_rate = -1"), "`bystander_rate` is -1.0", "from 0 to 1000"),
        (with_line("stall_s = 0"), "`stall_s` is 0.0", "longer than nothing"),
        (with_line("memory_growth_mib = 0"), "`memory_growth_mib` is 0.0", "more than nothing"),
        (GOOD + '[thresholds]\n"p99.bystander" = "2s"', "`thresholds` is 'p99.bystander'", "set `bystander_rate`"),
        (GOOD + '[thresholds]\n"p99.all" = "20x"', "`thresholds.p99.all` is '20x'", "a duration such as 500ms"),
        (with_line('retry_after = "ignored"'), "`retry_after` is 'ignored'", "did you mean `ignore`?"),
        (GOOD.replace("read-tag = 1", "read-tag = 0"), "`weights` is {'read-tag': 0}", "one above 0"),
        (GOOD + '[evidence]\n"tag.reads" = 1', "`evidence` is 'tag.reads'", "did you mean `tags`?"),
        (GOOD.replace('"tags"', '"tgas"'), "`workload` is 'tgas'", "did you mean `tags`?"),
        (GOOD.replace('title = "t"', ""), "missing required field `title`", ""),
        (GOOD + "list-tags = \n", "at line 7", "syntax"),
    ],
)
def test_what_is_wrong_is_named(text: str, message: str, hint: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(text, "mine.toml")
    assert caught.value.message.startswith("mine.toml: ")
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_an_unknown_scenario_has_a_nearest_name() -> None:
    with pytest.raises(ScenarioError, match="no scenario 'mixt'") as caught:
        load_scenario("mixt")
    assert "did you mean `mixed`?" in caught.value.hint


def test_a_file_that_is_not_there(tmp_path) -> None:
    with pytest.raises(ScenarioError, match="No such file"):
        load_scenario(str(tmp_path / "none.toml"))


def test_a_folder_and_bytes_that_are_no_text(tmp_path) -> None:
    with pytest.raises(ScenarioError) as caught:
        load_scenario(f"{tmp_path}/")
    assert caught.value.message == f"cannot read {tmp_path}: Is a directory"
    path = tmp_path / "own.toml"
    path.write_bytes(b"\xff")
    with pytest.raises(ScenarioError, match="it is not UTF-8"):
        load_scenario(str(path))


def test_as_many_workers_as_the_command_line_takes() -> None:
    assert parse_scenario(with_line(f"workers = {MOST_WORKERS}"), "mine.toml").workers == MOST_WORKERS


_FAULT = """
[[faults]]
name = "f"
steps = ["put-manifest"]
toxics = [{ kind = "cut", after_bytes = [0, 9] }]
share = 0.5
"""


def test_a_bystander_may_be_compared_with_itself() -> None:
    text = with_line("bystander_rate = 5") + '[thresholds]\n"p99.bystander" = "20x"\n"p50.bystander" = "1s"\n'
    assert parse_scenario(text, "s.toml").thresholds == {"p99.bystander": "20x", "p50.bystander": "1s"}
    with pytest.raises(ScenarioError, match=r"`thresholds.p99.bystander` is '0x'") as caught:
        parse_scenario(text.replace("20x", "0x"), "s.toml")
    assert "such as 20x" in caught.value.hint


def test_faults_are_read() -> None:
    (fault,) = parse_scenario(GOOD + _FAULT, "s.toml").faults
    assert fault.toxics == (Cut(after_bytes=(0, 9)),)


@pytest.mark.parametrize(
    ("old", "new", "says", "hint"),
    [
        ("share =", "shore =", "unknown key `faults[0].shore`", "`share`"),
        ('"put-manifest"', '"put-manifst"', "`faults[0].steps[0]` is 'put-manifst'", "`put-manifest`"),
        ('"cut"', '"cat"', "`faults[0].toxics[0].kind` is 'cat'", "`cut`"),
        ("after_bytes", "after_byte", "unknown key `faults[0].toxics[0].after_byte`", "`after_bytes`"),
        ("[0, 9]", "[9, 0]", "`faults[0].toxics[0].after_bytes` is (9, 0)", "smallest, then largest"),
        ("share = 0.5", "share = 1.5", "`faults[0].share` is 1.5", "from 0 to 1"),
        ("share = 0.5", "", "`faults[0].share` is 0.0", "above 0"),
        ("share = 0.5", "nth = [0]", "`faults[0].nth` is (0,)", "counted from 1"),
        ("share = 0.5", "share = 0.5\nordinal = 0", "`faults[0].ordinal` is 0", "counted from 1"),
        ("share = 0.5", "share = 0.5\nstart_s = 2\nstop_s = 1", "`faults[0].stop_s` is 1.0", "after start_s"),
        ("[{", "[{ kind = 'black-hole', hold_s = 11 }, {", "`faults[0].toxics[0].hold_s` is 11.0", "10 seconds"),
        ("steps = [", "steps = 3 # [", "Expected `array`", "the file itself"),
    ],
)
def test_faults_that_do_not_hold_together(old: str, new: str, says: str, hint: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(GOOD + _FAULT.replace(old, new, 1), "s.toml")
    assert says in caught.value.message
    assert hint in caught.value.hint


def test_two_faults_of_one_name() -> None:
    with pytest.raises(ScenarioError, match=r"`faults\[1\].name`"):
        parse_scenario(GOOD + _FAULT + _FAULT, "s.toml")


@pytest.mark.parametrize("model", ["linearizable", "read-your-writes", "eventual(5s)", "eventual(0.5)"])
def test_every_tag_model_that_can_be_judged_is_taken(model: str) -> None:
    assert parse_scenario(with_line(f'tag_model = "{model}"'), "mine.toml").tag_model == model


def test_a_file_that_is_no_name_of_a_scenario_is_pointed_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").touch()
    with pytest.raises(ScenarioError, match="no scenario 'mine'") as caught:
        load_scenario("mine")
    assert caught.value.hint == "to run the file of that name, write ./mine"
