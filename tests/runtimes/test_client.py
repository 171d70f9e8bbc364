"""The host's end of a worker, with real child processes at the other end."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from benchy.config import UploadConfig
from benchy.errors import UploadFailed, WorkerDied, WorkerError
from benchy.protocol import ModelTest, Phase, Progress, Upload
from benchy.runtimes.client import Worker, split_lines, whole_lines
from benchy.runtimes.process import ProcessRuntime
from tests.commands import kill
from tests.runtimes import A_RUN
from tests.runtimes.programs import program
from tests.runtimes.test_process import config


def ignore(_event: Progress | Phase) -> None:
    """Nobody looks on."""


def ignore_log(_lines: list[str]) -> None:
    """Nobody reads."""


def real_worker() -> closing[Worker]:
    return closing(Worker(ProcessRuntime().start(config(), A_RUN, on_gpus=False, say=print), ignore_log))


def test_a_failure_is_raised_as_its_own_class_and_the_worker_goes_on(tmp_path: Path) -> None:
    with real_worker() as started:
        for _ in range(2):
            with pytest.raises(UploadFailed) as failed:
                started.request(
                    Upload(run_folder=str(tmp_path / "nothing"), config=UploadConfig(to=str(tmp_path / "to"))), ignore
                )
        assert failed.value.hint
        assert started.alive


def test_a_request_before_prepare_is_refused() -> None:
    with real_worker() as started, pytest.raises(WorkerError, match="not prepared"):
        started.request(ModelTest(), ignore)


def test_a_worker_that_was_killed_says_so_at_each_request() -> None:
    transport = ProcessRuntime().start(config(), A_RUN, on_gpus=False, say=print)
    with closing(Worker(transport, ignore_log)) as started:
        kill(transport.pid)
        for _ in range(2):
            with pytest.raises(WorkerDied, match="signal 9"):
                started.request(ModelTest(), ignore)
        assert not started.alive


def test_an_exit_without_an_answer_is_no_success() -> None:
    code = "import sys; sys.stdin.readline(); sys.exit(5)"
    with program(code, ignore_log) as started, pytest.raises(WorkerDied, match="exit code 5 before it answered"):
        started.request(ModelTest(), ignore)


def test_output_that_ends_while_the_process_goes_on_is_an_end() -> None:
    code = "import os, time; os.close(1); time.sleep(600)"
    with program(code, ignore_log) as started, pytest.raises(WorkerDied, match="closed its output but went on"):
        started.request(ModelTest(), ignore)


def test_strange_lines_on_stdout_go_to_the_log() -> None:
    code = "print('Launching'); print('[1]'); print('{}'); print('{\"id\": 1}')"
    log: list[str] = []
    with program(code, log.extend) as started, pytest.raises(WorkerDied):
        started.request(ModelTest(), ignore)
    assert log == ["Launching", "[1]", "{}", '{"id": 1}']


def test_the_log_has_the_last_line_although_it_has_no_end() -> None:
    log: list[str] = []
    with program("import sys; sys.stderr.write('one\\ntwo\\rthree'); sys.stderr.flush()", log.extend):
        pass
    assert log == ["one", "three"]  # a bar that was drawn over is shown as a terminal would


def test_ten_thousand_lines_arrive_in_order() -> None:
    code = "import sys; sys.stderr.write(''.join(f'line {n}\\n' for n in range(10_000)))"
    log: list[str] = []
    with program(code, log.extend):
        pass
    assert log == [f"line {n}" for n in range(10_000)]


def test_chunks_are_not_lines() -> None:
    assert list(split_lines([b"a\nb", b"c", b"\n\nd"])) == ["a", "bc", "", "d"]
    assert list(whole_lines([b"a\nb", b"c\nd\n"])) == ["a", "bc\nd"]
    assert list(split_lines([b"\xe2\x9c", b"\x85 done\n", b"\xff\n"])) == ["✅ done", "\N{REPLACEMENT CHARACTER}"]
