"""`benchy compare`, `gate` and `power` on real runs: the demo, a worse copy of it, and plain lm_eval of both."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.commands import DEMO, REPOSITORY, assert_refused, benchy, write_config
from tests.results.runs import write_run

POLICY = "benchmarks:\n  demo_accuracy: {max_drop: 0.05}\n  demo_addition: {max_drop: 0.05}\n"


@dataclass(frozen=True)
class Runs:
    """A folder with a leaderboard of both models, and what plain lm_eval wrote of them."""

    folder: Path
    plain_first: Path
    plain_worse: Path

    def type(self, *arguments: object, code: int = 0) -> str:
        done = benchy(*arguments, cwd=self.folder)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    folder = tmp_path_factory.mktemp("runs")
    disturb = [sys.executable, str(DEMO / "disturb.py"), str(DEMO / "model"), str(folder / "worse")]
    subprocess.run(disturb, check=True, timeout=300)
    config = write_config(folder)
    for changes in ((), ("--model", folder / "worse"), ("--limit", "10")):
        done = benchy("run", config, *changes, cwd=REPOSITORY)
        assert done.returncode == 0, done.stderr
    return Runs(folder, _plain(folder / "plain", DEMO / "model"), _plain(folder / "plain-worse", folder / "worse"))


def _plain(output: Path, model: Path) -> Path:
    command = [
        sys.executable, "-m", "lm_eval", "run", "--model", "hf", "--model_args", f"pretrained={model},dtype=float32",
        "--tasks", "demo_accuracy,demo_addition", "--include_path", str(DEMO / "tasks"), "--device", "cpu",
        "--batch_size", "16", "--output_path", str(output), "--log_samples",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    return output


def verdicts(text: str) -> dict[str, str]:
    (pair,) = json.loads(text)["comparisons"]
    return {one["benchmark"]: one["verdict"] for one in (*pair["groups"], *pair["benchmarks"])}


def test_two_runs_of_benchys_and_two_of_plain_lm_eval_get_the_same_verdict(runs: Runs) -> None:
    ours = json.loads(runs.type("compare", *own_runs(runs), "--format", "json"))
    plain = json.loads(runs.type("compare", runs.plain_first, runs.plain_worse, "--format", "json"))
    for found in (ours, plain):
        (pair,) = found["comparisons"]
        assert {one["benchmark"]: one["verdict"] for one in pair["benchmarks"]} == {
            "demo_addition": "worse",
            "demo_animals": "worse",
            "demo_counting": "worse",
        }
        assert [one["verdict"] for one in pair["groups"]] == ["worse"]
        assert pair["not_compared"] == {}
    for one, other in zip(ours["comparisons"][0]["benchmarks"], plain["comparisons"][0]["benchmarks"], strict=True):
        assert (one["won"], one["lost"], one["test"]) == (other["won"], other["lost"], other["test"])
        assert one["p_value"] == pytest.approx(other["p_value"], rel=1e-3)
    mixed = verdicts(runs.type("compare", own_runs(runs)[0], runs.plain_worse, "--format", "json"))
    assert set(mixed.values()) == {"worse"}


def own_runs(runs: Runs) -> tuple[Path, Path]:
    """Return the folders of the whole runs: of the demo's model, then of the worse one."""
    first, worse, _test = sorted(
        (runs.folder / "outputs").iterdir(),
        key=lambda path: json.loads((path / "record.json").read_text())["started_at"],
    )
    return first, worse


def test_the_table_fits_a_terminal(runs: Runs) -> None:
    text = runs.type("compare", *own_runs(runs))
    assert all(len(line) <= 80 for line in text.splitlines() if not line.startswith(("A: ", "B: "))), text
    assert "demo_animals: acc_norm, McNemar, exact; B gains" in text
    runs_by_name = runs.type("compare", own_runs(runs)[0].name, own_runs(runs)[1].name)
    assert runs_by_name == text


def test_each_form_holds_the_same(runs: Runs) -> None:
    first, worse = own_runs(runs)
    rows = list(csv.DictReader(io.StringIO(runs.type("compare", first, worse, "--format", "csv"))))
    assert [row["verdict"] for row in rows] == ["worse"] * 4
    assert "| worse" in runs.type("compare", first, worse, "--format", "markdown")
    assert "\\begin{tabular}" in runs.type("compare", first, worse, "--format", "latex")
    three = json.loads(runs.type("compare", first, worse, first, "--all-pairs", "--format", "json"))
    assert len(three["comparisons"]) == 3


def test_the_page_shows_the_flipped_documents_and_no_markup_of_others(tmp_path: Path, runs: Runs) -> None:
    page = runs.type("compare", *own_runs(runs), "--format", "html")
    assert "B loses" in page
    assert "Question: " in page
    documents = [{"q": f"<script>alert({i})</script>", "a": "<b>"} for i in range(30)]
    hostile = [
        write_run(tmp_path / f"<img src=x>{name}", {"<i>own": row}, documents=documents)
        for name, row in (("a", [1.0] * 30), ("b", [0.0] * 30))
    ]
    page = runs.type("compare", *hostile, "--format", "html")
    assert "alert(3)" in page
    for markup in ("<script", "<img", "<i>own", "<b>"):
        assert markup not in page
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page


@pytest.mark.parametrize(("candidate", "code", "decision"), [(0, 0, "GO"), (1, 20, "NO-GO")])
def test_the_gate_decides_and_says_so_by_its_exit_code(runs: Runs, candidate: int, code: int, decision: str) -> None:
    policy, report = runs.folder / "gate.yaml", runs.folder / f"{decision}.xml"
    policy.write_text(POLICY)
    chosen = own_runs(runs)[candidate]
    text = runs.type("gate", own_runs(runs)[0], chosen, "--policy", policy, "--junit", report, code=code)
    assert f" {decision}: " in text
    suite = ElementTree.parse(report).getroot()  # noqa: S314 - our own
    assert (suite.get("tests"), suite.get("failures")) == ("2", "2" if code else "0")
    markdown = runs.type("gate", own_runs(runs)[0], chosen, "--policy", policy, "--format", "markdown", code=code)
    assert markdown.startswith("### ")


def test_a_run_with_a_limit_is_inconclusive(runs: Runs) -> None:
    (runs.folder / "gate.yaml").write_text(POLICY)
    test_run = next(path for path in (runs.folder / "outputs").iterdir() if path.name.startswith("TEST_"))
    text = runs.type("gate", test_run, test_run, "--policy", runs.folder / "gate.yaml", code=21)
    assert "INCONCLUSIVE: " in text
    assert "a test run (evaluation.limit)" in text


def test_how_many_questions_are_needed(runs: Runs) -> None:
    text = runs.type("power", *own_runs(runs), "--difference", "0.02")
    assert "demo_animals: " in text
    assert "100 are there" in text
    assert "2,043 questions" in runs.type("power", "--difference", "0.02", "--discordance", "0.1")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["compare", "x"], ["there is nothing to compare it with"]),
        (["compare", "nowhere", "x"], ['"nowhere" is no run that can be found here', "BOARD:MODEL"]),
        (["compare", "leaderboard:gpt", "x"], ['no run of "gpt" on that leaderboard']),
        (["compare", "hf://datasets/x", "y"], ["names no run of a dataset"]),
        (["gate", "a", "b", "--policy", "nowhere.yaml"], ["nowhere.yaml: cannot be read"]),
        (["gate", "a", "b", "--policy", "wrong.yaml"], ['line 2: unknown key "benchmark', "max_drop"]),
        (["power", "--difference", "0.2", "--discordance", "0.1"], ["cannot differ by 0.2"]),
        (["power", "--difference", "0.2"], ["how often documents flip is not known"]),
    ],
)
def test_wrong_input(runs: Runs, arguments: list[str], said: list[str]) -> None:
    (runs.folder / "wrong.yaml").write_text("benchmarks:\n  a: {max_dorp: 0.1}\n")
    done = benchy(*arguments, cwd=runs.folder)
    assert_refused(done, 2, "ConfigError", *said)
