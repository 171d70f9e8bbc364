"""The one settled form of a config, and what each mistake in it says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchy.config import BenchmarkConfig, UploadConfig, load_config, parse_config
from benchy.errors import ConfigError

SETTLED_FORM = """\
model:
  name: "openai/gpt-oss-20b"
  dtype: "float16"
  max_length: 16384
evaluation:
  tasks: "arc_easy"            # or a list
  device: "cuda"               # ignored when performance.use_accelerate is true
  batch_size: "auto:4"
  output_path: "outputs"
  log_samples: true
  cache_requests: true
  limit: 10
performance:
  use_accelerate: true
  num_gpus: 2
  mixed_precision: "no"
logging:
  log_dir: "logs"
upload:
  to: "leaderboard"            # a folder, or a data set on the Hub: hf://datasets/org/name
"""


@pytest.fixture
def written(tmp_path: Path) -> Path:
    return tmp_path / "config.yaml"


def load(path: Path, text: str) -> BenchmarkConfig:
    path.write_text(text, encoding="utf-8")
    return load_config(path)


def refusal(path: Path, text: str) -> str:
    with pytest.raises(ConfigError) as refused:
        load(path, text)
    assert refused.value.exit_code == 2
    assert str(path) in refused.value.message
    return refused.value.message


def changed(old: str, new: str) -> str:
    assert old in SETTLED_FORM
    return SETTLED_FORM.replace(old, new)


def test_the_settled_form_loads_as_it_is(written: Path) -> None:
    config = load(written, SETTLED_FORM)
    assert config.model.name == "openai/gpt-oss-20b"
    assert config.evaluation.tasks == ("arc_easy",)
    assert config.evaluation.batch_size == "auto:4"
    assert config.performance.mixed_precision == "no"
    assert config.is_test


@pytest.mark.parametrize("tasks", ['"arc_easy, hellaswag"', "[arc_easy, hellaswag]"])
def test_tasks_are_a_list_or_one_string_with_commas(written: Path, tasks: str) -> None:
    config = load(written, changed('"arc_easy"', tasks))
    assert config.evaluation.tasks == ("arc_easy", "hellaswag")


def test_an_unquoted_no_is_the_word(written: Path) -> None:
    assert load(written, changed('"no"', "no")).performance.mixed_precision == "no"


def test_without_a_limit_a_run_is_no_test(written: Path) -> None:
    assert not load(written, changed("  limit: 10\n", "")).is_test


def test_a_leaderboard_is_a_folder_or_a_data_set() -> None:
    assert UploadConfig(to="hf://datasets/org/board.v2").data_set == "org/board.v2"
    assert UploadConfig(to="hf/datasets").data_set is None


def test_a_config_survives_its_record(written: Path) -> None:
    more = "gpus: [0, GPU-8f2c]\n"
    config = load(written, SETTLED_FORM + more)
    assert BenchmarkConfig.model_validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("batch_size", "batchsize", ['unknown key "evaluation.batchsize"', 'did you mean "evaluation.batch_size"']),
        ("  dtype", "  batch_size", ['unknown key "model.batch_size"', 'did you mean "evaluation.batch_size"']),
        ("performance:", "perfomance:", ['unknown key "perfomance"', 'did you mean "performance"']),
        ("max_length: 16384", "max_length: long", ['"model.max_length"', "'long'", "expected a whole number"]),
        ("max_length: 16384", "max_length: 0", ['"model.max_length" is 0', "greater than 0"]),
        ('"float16"', '"flaot16"', ['"model.dtype"', "'flaot16'", "'float16'"]),
        ('"auto:4"', '"automatic"', ['"evaluation.batch_size"', "auto or auto:N"]),
        ("log_samples: true", 'log_samples: "yes"', ['"evaluation.log_samples"', "expected true or false"]),
        ("limit: 10", "limit: -1", ['"evaluation.limit"', "greater than 0"]),
        ('"no"', '"fp4"', ['"performance.mixed_precision"', "'bf16'"]),
        ('tasks: "arc_easy"', "tasks: []", ['"evaluation.tasks" is empty']),
        ('  name: "openai/gpt-oss-20b"\n', "", ['missing key "model.name"']),
        ("logging:", "gpus: [0]\nlogging:", ['"performance.num_gpus" is 2', '"gpus" names 1']),
        ("logging:", "gpus: [1, 1]\nlogging:", ["the same GPU twice"]),
        ("logging:", "gpus: []\nlogging:", ['"gpus"', "at least one"]),
        ("log_dir", "level: 1\n  log_dir", ['unknown key "logging.level"']),
        ("  limit: 10", "  limit: 10\n  limit: 20", ['"evaluation.limit" is written twice']),
        ("model:", "model: [", ["not valid YAML"]),
        ('to: "leaderboard" ', 'to: "s3://bucket/x" ', ["s3://bucket/x", "a folder or hf://datasets/ORG/NAME"]),
        ('to: "leaderboard" ', 'to: "hf://datasets/board" ', ["hf://datasets/board", "hf://datasets/ORG/NAME"]),
        ("upload:", "upload:\n  model_card: true", ['"upload.model_card" needs a leaderboard on the Hub']),
        ("upload:", "upload:\n  token_env: HF_TOKEN", ["HF_TOKEN, which code of the model can read"]),
    ],
)
def test_a_mistake_names_the_file_the_key_and_what_was_expected(
    written: Path, old: str, new: str, said: list[str]
) -> None:
    message = refusal(written, changed(old, new))
    for part in said:
        assert part in message


def test_the_line_is_named(written: Path) -> None:
    assert "line 8: " in refusal(written, changed("batch_size", "batchsize"))


def test_all_mistakes_are_named_at_once(written: Path) -> None:
    message = refusal(written, changed("dtype", "dtyp").replace("limit", "limt"))
    assert "2 problems" in message
    assert '"model.dtyp"' in message
    assert '"evaluation.limt"' in message


def test_a_missing_section_says_what_it_needs(written: Path) -> None:
    message = refusal(written, 'model: {name: "gpt2"}\n')
    assert 'missing section "evaluation"' in message
    assert "it needs tasks" in message


@pytest.mark.parametrize("text", ["", "- model\n", "just words\n"])
def test_a_file_without_sections_is_refused(written: Path, text: str) -> None:
    assert "expected sections" in refusal(written, text)


def test_a_cpu_with_gpus_is_a_contradiction(written: Path) -> None:
    text = changed('"cuda"', '"cpu"').replace("use_accelerate: true", "use_accelerate: false")
    assert '"evaluation.device" is cpu' in refusal(written, text)


def test_a_missing_file_offers_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "demo.yaml").write_text(SETTLED_FORM, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load_config(tmp_path / "dmeo.yaml")
    assert "demo.yaml" in refused.value.hint


def test_a_folder_is_no_config(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path)


def test_benchy_test_needs_no_benchmarks() -> None:
    data = {"model": {"name": "gpt2"}, "evaluation": {"tasks": []}}
    assert parse_config(data, source="benchy test").evaluation.tasks == ()


@pytest.mark.parametrize(
    ("said", "seeds"),
    [
        ("", (0, 1234, 1234, 1234)),
        ("  seed: 7\n", (7, 7, 7, 7)),
        ("  seed: [1, 2, 3, 4]\n", (1, 2, 3, 4)),
        ("  seed: 0,None,8,52\n", (0, None, 8, 52)),
        ("  seed: None\n", (None,) * 4),
        ("  seed: [1, null, None]\n", (1, None, None, 1234)),
    ],
)
def test_seeds_are_said_as_lm_eval_takes_them(written: Path, said: str, seeds: tuple[int | None, ...]) -> None:
    config = load(written, changed("  limit: 10\n", said))
    assert config.evaluation.seeds == seeds
    assert parse_config(config.model_dump(mode="json"), source="again").evaluation.seeds == seeds


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("gpus", "gpus: {[1, 2]: 3}\n", "a key is a list or a section"),
        ("gpus", "gpus: &x [*x]\n", "a value contains itself"),
        ("gpus", "gpus: 0x" + "f" * 6000 + "\n", "more than 100 characters"),
        ("gpus", "gpus: [" + "1" * 90 + "]\n", "less than 1000"),
        ("gpus", "model: {name: m, args: {a: 2026-01-02}}\n", "what JSON cannot hold"),
        ("gpus", "model: {name: m, args: {a: .nan}}\n", "what JSON cannot hold"),
        ("gpus", 'logging: {log_dir: "a\\0b"}\n', "text without null characters"),
        ("gpus", "logging: {log_dir: ~nobody-here/logs}\n", "the home folder of nobody"),
        ("gpus", "download: {stall_seconds: .inf}\n", "a finite number"),
        ("seed", "seed: 4294967296", "less than 4294967296"),
        ("seed", "limit: .nan", "a finite number"),
        ("seed", "max_batch_size: 99999999999999", "less than 2147483648"),
    ],
)
def test_what_was_a_bug_message_or_a_later_crash_names_the_key(written: Path, old: str, new: str, said: str) -> None:
    base = "evaluation: {tasks: a" + (f", {new}" if old == "seed" else "") + "}\n"
    text = (base if "model:" in new else "model: {name: m}\n" + base) + (new if old == "gpus" else "")
    assert said in refusal(written, text)


def test_a_hundred_mistakes_fit_in_a_message(written: Path) -> None:
    """A value of 200 kB was repeated whole."""
    long = "x" * 200_000
    message = refusal(written, "model: {name: " + long + "}\n" + "".join(f"key{n}: {long[:50]}\n" for n in range(200)))
    assert len(message) <= 2000
    assert "problems" in message


def test_a_home_folder_is_this_users(written: Path) -> None:
    """They made a folder named `~`."""
    text = "model: {name: ~/m}\nevaluation: {tasks: a, output_path: ~/out, include_path: ~/tasks}\n"
    config = load(written, text + "logging: {log_dir: ~/logs}\nupload: {to: ~/board}\n")
    home = str(Path.home())
    assert (config.model.name, config.evaluation.output_path) == (f"{home}/m", f"{home}/out")
    assert config.evaluation.include_path == (f"{home}/tasks",)
    assert config.upload is not None
    assert (config.logging.log_dir, config.upload.to) == (f"{home}/logs", f"{home}/board")


def test_a_file_that_cannot_be_read_is_not_offered_in_its_own_place(tmp_path: Path) -> None:
    """It said "did you mean a.yaml?" of a.yaml."""
    (tmp_path / "a.yaml").mkdir()
    (tmp_path / "b.yaml").write_text("", encoding="utf-8")
    with pytest.raises(ConfigError, match="Is a directory") as refused:
        load_config(tmp_path / "a.yaml")
    assert "did you mean" not in refused.value.hint


def test_a_name_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"\xff.yaml")
    path.write_text("", encoding="utf-8")
    with pytest.raises(ConfigError, match="its name is not UTF-8") as refused:
        load_config(path)
    refused.value.message.encode()


def test_what_never_ends_is_read_to_the_bound() -> None:
    with pytest.raises(ConfigError, match=r"larger than|not allowed"):
        load_config(Path("/dev/zero"))


@pytest.mark.parametrize(
    "text",
    [
        "root:$6$s3cret:19000:0:99999:7:::\ndaemon:*:19000:0\n",
        "# s3cret\nHF_TOKEN=s3cret: x: y\n",
        "*s3cret",
        "!s3cret x",
        "a: [s3cret",
        "'s3cret",
        "- s3cret",
        "s3cret",
    ],
)
def test_no_word_of_a_file_that_is_no_config_stands_in_the_message(text: str, tmp_path: Path) -> None:
    (path := tmp_path / "shadow").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as failed:
        load_config(path)
    assert "s3cret" not in failed.value.message + failed.value.hint
