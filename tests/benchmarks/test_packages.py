"""A benchmark that needs a package is refused by name where that is not installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchy.benchmarks.index import index_tasks
from benchy.benchmarks.packages import missing_packages, pip_name
from docs.make_tasks import PAGE, page
from tests.commands import REPOSITORY, assert_refused, benchy, write_config


def test_packages_are_found_through_what_a_benchmarks_code_imports(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("task: own\nprocess_results: !function code.score\n")
    (tmp_path / "code.py").write_text("import json\nimport beside\nfrom lm_eval.tasks.ifeval import utils\n")
    (tmp_path / "beside.py").write_text(
        "def score():\n    import nowhere_at_all.deep\n\n"
        "try:\n    import may_be_missing\nexcept ImportError:\n    pass\n"
        "try:\n    import math_verify\nexcept ImportError as error:\n    raise ImportError('math-verify') from error\n"
    )
    missing = missing_packages(str(tmp_path / "own.yaml"))
    assert "nowhere_at_all" in missing
    assert "may_be_missing" not in missing
    assert pip_name("math_verify") == "math-verify[antlr4_11_0]"


@pytest.mark.parametrize("said", ["include: base", '"include": "base"', "include:\n  - base", "include: [base, base]"])
@pytest.mark.parametrize("function", ["code.score", '"code.score"', "  code.score"])
def test_functions_of_an_included_yaml_count(tmp_path: Path, said: str, function: str) -> None:
    (tmp_path / "own.yaml").write_text(f"task: own\n{said}\n")
    (tmp_path / "base").write_text(f"process_results: !function {function}\n")
    (tmp_path / "code.py").write_text("import nowhere_at_all\n")
    assert missing_packages(str(tmp_path / "own.yaml")) == ["nowhere_at_all"]


def test_what_check_says_of_ifeval_is_what_its_code_imports(tmp_path: Path) -> None:
    path = (index_tasks(()) or {})["ifeval"].path
    assert path
    missing = missing_packages(path)
    config = write_config(tmp_path, evaluation={"tasks": "ifeval"})
    if missing:
        said = ["ifeval needs packages that are not installed", "benchy[tasks]", *missing]
        assert_refused(benchy("check", config, cwd=REPOSITORY), 2, "ConfigError", *said)
    assert set(missing) <= {"langdetect", "immutabledict", "nltk"}


def test_the_page_of_packages_is_that_of_the_library() -> None:
    assert PAGE.read_text("utf-8") == page(), "run `make tasks-docs`"
