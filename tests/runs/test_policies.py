"""A gate's policy is read from YAML, and each mistake in it is named with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchy.bounded_yaml import MOST_BYTES
from benchy.errors import ConfigError
from benchy.results.gate import Allowed, Policy
from benchy.runs.policies import HINT, load_policy


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "policy.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_policy_says_what_may_be_lost(tmp_path: Path) -> None:
    text = "benchmarks:\n  arc: {max_drop: 0.01}\n  gsm8k: {max_drop: 2.5, max_truncated: 7}\nalpha: 0.01\n"
    assert load_policy(written(tmp_path, text)) == Policy(
        benchmarks={"arc": Allowed(max_drop=0.01), "gsm8k": Allowed(max_drop=2.5, max_truncated=7)}, alpha=0.01
    )


def test_what_is_not_said_is_the_default(tmp_path: Path) -> None:
    found = load_policy(written(tmp_path, "benchmarks: {arc: {max_drop: 1.0}}"))
    assert (found.alpha, found.power, found.benchmarks["arc"].max_truncated) == (0.05, 0.8, 0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", 'missing section "benchmarks"'),
        ("benchmarks: {}", '"benchmarks"'),
        ("benchmarks:\n  arc: {max_drop: -1.0}", "line 2: "),
        ("benchmarks:\n  arc: {max_drop: 0.0}", "greater than 0"),
        ("benchmarks:\n  arc: {max_drop: .nan}", "a finite number"),
        ("benchmarks:\n  arc: {max_drop: much}", "'much' (a string); expected a number"),
        ("benchmarks:\n  arc: 0.01", "line 2: "),
        ("benchmarks: {arc: {max_drop: 0.1}}\nalpha: 0.5", 'line 2: "alpha" is 0.5 (a number)'),
        ("benchmarks: {arc: {max_drop: 0.1}}\npower: 0.5", 'line 2: "power" is 0.5 (a number)'),
        ("benchmarks: {arc: {max_drop: 0.1}}\nalhpa: 0.1", 'unknown key "alhpa"; did you mean "alpha"?'),
        ("benchmarks: {arc: {max_drop: 0.1}}\nbenchmarks: {}", '"benchmarks" is written twice'),
        ("benchmarks: {arc: {max_drop: 0.1, max_truncated: -1}}", "greater than or equal to 0"),
        ("benchmarks: {arc: {max_drop: 0.1, max_truncated: 1.5}}", "expected a whole number"),
    ],
)
def test_a_mistake_is_named_with_its_key(tmp_path: Path, text: str, said: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as refused:
        load_policy(path)
    assert refused.value.message.startswith(f"{path}: ")
    assert said in refused.value.message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("benchmarks: [", "not valid YAML"),
        ("a: &x [*x]", "not valid YAML"),
        ("a: !!python/object:os.system x", "not valid YAML"),
        ("x" * (MOST_BYTES + 1), "not valid YAML"),
        (b"\xff\xfe", "cannot be read: "),
    ],
    ids=["cut", "endless", "code", "large", "no text"],
)
def test_what_is_no_yaml_is_refused_with_an_example(tmp_path: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load_policy(written(tmp_path, text))
    assert refused.value.message.startswith(f"{tmp_path / 'policy.yaml'}: {said}")
    assert refused.value.hint == HINT


@pytest.mark.parametrize("name", ["nowhere.yaml", "."])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be read: "):
        load_policy(tmp_path / name)


@pytest.mark.parametrize("text", ["", "null", "- arc", "arc"])
def test_what_is_no_section_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load_policy(written(tmp_path, text))
    assert refused.value.hint == HINT
