"""A foreign run's folder is published: nothing that its record names is written to, asked for or sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchy.config import UploadConfig
from benchy.record import write_record
from tests.commands import REPOSITORY, assert_refused, benchy
from tests.records import benchmark, make_record, make_run_folder, metric


@pytest.mark.parametrize("line", ["5", '"text"', '{"arguments": 5}', '{"filter": "none", "metrics": null}'])
def test_samples_that_are_not_of_lm_evals_form_are_named(tmp_path: Path, line: str) -> None:
    """It said "TypeError: string indices must be integers"."""
    part = benchmark("arc", metric(1.0), documents=2, documents_in_all=2, samples_file="samples_arc.jsonl")
    folder = make_run_folder(tmp_path, make_record("org/model", benchmarks=(part,), run_name="run"))
    with (folder / "samples_arc.jsonl").open("a", encoding="utf-8") as samples:
        samples.write(f"{line}\n")
    refused = benchy("upload", folder, "--to", tmp_path / "board", cwd=REPOSITORY)
    assert_refused(refused, 9, "UploadFailed", "lm-eval's own files in", "are damaged", "run the evaluation again")
    assert not (tmp_path / "board" / "records" / "run").exists()


def test_no_path_address_or_variable_of_a_record_is_used(tmp_path: Path) -> None:
    record = make_record(log_file=str(tmp_path / "home" / ".bashrc"), run_name="run")
    hostile = UploadConfig(to=str(tmp_path / "theirs"), token_env="AWS_SECRET_ACCESS_KEY")  # noqa: S106 - a name
    container = record.config.container.model_copy(update={"image": "evil", "volumes": ("/:/host",)})
    config = record.config.model_copy(update={"upload": hostile, "runtime": "docker", "container": container})
    folder = make_run_folder(tmp_path, record)
    write_record(record.model_copy(update={"config": config}), folder)
    assert_refused(benchy("upload", folder, cwd=REPOSITORY), 2, "ConfigError", "say --to LEADERBOARD")
    done = benchy("upload", folder, "--to", tmp_path / "mine", cwd=REPOSITORY)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "mine" / "records" / "run" / "manifest.json").is_file()
    assert (folder / "upload.log").is_file()
    assert not (tmp_path / "home").exists()
    assert not (tmp_path / "theirs").exists()

    (folder / "upload.log").unlink()
    (folder / "upload.log").symlink_to(tmp_path / "bashrc")
    refused = benchy("upload", folder, "--to", tmp_path / "mine", cwd=REPOSITORY)
    assert refused.returncode != 0
    assert not (tmp_path / "bashrc").exists()
