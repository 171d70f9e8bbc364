from __future__ import annotations

from pathlib import Path

import pytest

from benchy.runs.folders import log_path
from benchy.runs.log import RunLog
from tests.records import make_record


@pytest.mark.parametrize("forged", ["/etc/cron.d/x", "../../home/.bashrc", "logs/benchy_m.log\n", "benchy_/x"])
def test_a_resumed_run_logs_where_the_config_says(forged: str) -> None:
    record = make_record(log_file=forged)
    path = log_path(record.config, record)
    assert path.parent == Path(record.config.logging.log_dir)
    assert path.name.startswith("benchy_org-alpha_")
    assert log_path(record.config, make_record(log_file="logs/benchy_m.log")) == Path("logs/benchy_m.log")


def test_a_log_is_no_link(tmp_path: Path) -> None:
    (tmp_path / "run.log").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic link"):
        RunLog(tmp_path / "run.log")
    assert not (tmp_path / "elsewhere").exists()
