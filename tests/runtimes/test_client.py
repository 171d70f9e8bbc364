"""The host's end of a worker, with real child processes at the other end."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from benchy.config import UploadConfig
from benchy.errors import UploadFailed, WorkerDied, WorkerError
from benchy.protocol import ModelTest, Phase, Progress, Upload
from benchy.runtimes.client import LONGEST_LOG_LINE, LONGEST_MESSAGE, Worker
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


def test_a_message_without_an_end_ends_the_worker_and_not_the_wait() -> None:
    """It was put together for ever, each time anew."""
    code = f"import sys, time; sys.stdout.write('x' * {LONGEST_MESSAGE + 1}); sys.stdout.flush(); time.sleep(600)"
    with program(code, ignore_log) as started, pytest.raises(WorkerDied, match="a line of more than 16,777,216 bytes"):
        started.request(ModelTest(), ignore)


def test_a_deep_line_is_no_message_and_ends_no_reader() -> None:
    """A RecursionError ended the thread that read, and the run waited for ever."""
    reply = '{"id": 1, "error": {"kind": "UploadFailed", "message": "read on"}}'
    code = f"print('[' * 200_000); print({reply!r}); input()"
    log: list[str] = []
    with program(code, log.extend) as started, pytest.raises(UploadFailed, match="read on"):
        started.request(ModelTest(), ignore)
    assert [len(line) for line in log] == [LONGEST_LOG_LINE]


def test_a_log_that_cannot_be_taken_ends_the_worker_and_not_the_wait() -> None:
    """The thread that read the log died, the pipe filled, and worker and host waited for each other."""

    def refuse(_lines: list[str]) -> None:
        raise RuntimeError("no more")

    code = "import sys, time; print('x' * 100_000, file=sys.stderr); time.sleep(600)"
    with program(code, refuse) as started, pytest.raises(WorkerDied, match="RuntimeError: no more"):
        started.request(ModelTest(), ignore)
