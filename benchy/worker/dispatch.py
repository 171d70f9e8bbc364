"""Does what a request asks for, and turns every failure into a reply."""

from __future__ import annotations

import traceback

from pydantic import BaseModel

from benchy import __version__
from benchy.errors import BenchyError, WrongVersion
from benchy.own_memory import close_to_others
from benchy.protocol import (
    AnyRequest,
    Build,
    Evaluation,
    Fetch,
    Hello,
    Import,
    LogToWandb,
    ModelTest,
    Prepare,
    Recompute,
    Upload,
    decode_request,
)
from benchy.record import EvaluationResult, ModelTestResult
from benchy.worker.failures import name_unexpected
from benchy.worker.ranks import RankDone
from benchy.worker.session import Session


def answer_line(session: Session, line: bytes, host: Hello | None) -> tuple[int, BaseModel | None]:
    """Do what one line asks of a host that greeted so; every failure becomes a reply."""
    request_id = 0
    try:
        request_id, request = _request(line, host)
        return request_id, _do(session, request)
    except RankDone:
        return request_id, None
    except Exception as error:  # noqa: BLE001 - the one catch-all at this edge
        failure = error if isinstance(error, BenchyError) else name_unexpected(error)
        failure.traceback = failure.traceback or traceback.format_exc()
        return request_id, failure.to_data()


def _request(line: bytes, host: Hello | None) -> tuple[int, AnyRequest]:
    """Return the request in a line, of a host of this version.

    Raises:
        WrongVersion: it is of another one.
    """
    if host is None:
        raise WrongVersion(f"the host is of a Benchy before 0.2.0, and its worker is Benchy {__version__}")
    host.require_own("the host")
    try:
        return decode_request(line)
    except ValueError as error:
        raise WrongVersion(f"the host asks for something that Benchy {__version__} does not know") from error


def _do(session: Session, request: AnyRequest) -> BaseModel:
    """Each step is imported when it is asked for: an upload needs no torch."""
    match request:
        case Fetch() | Upload() | LogToWandb():
            return _do_with_a_secret(session, request)
        case Import():
            from benchy.worker.prepare import import_all

            return import_all(session, request.config)
        case Build():
            from benchy.worker.evaluation.build import build

            return build(session, request)
        case Prepare():
            from benchy.worker.prepare import prepare

            return prepare(session, request)
        case ModelTest() | Evaluation():
            return _ask_the_model(session, request)
        case Recompute():
            from benchy.worker.harness.recomputation import recompute

            return recompute(request)


def _ask_the_model(session: Session, request: ModelTest | Evaluation) -> BaseModel:
    """Do a step with the model, and note what its GPUs did meanwhile."""
    from benchy.worker.machine.gpu_monitor import watch_gpus

    done: ModelTestResult | EvaluationResult
    with watch_gpus(session.config) as watch:
        match request:
            case ModelTest():
                from benchy.worker.model_test import model_test

                done = model_test(session, request)
            case Evaluation():
                from benchy.worker.evaluation.evaluate import evaluation

                done = evaluation(session, request)
    return done.with_gpu_use(watch.use)


def _do_with_a_secret(session: Session, request: Fetch | Upload | LogToWandb) -> BaseModel:
    """Return what a token or key is needed for: no code of a model runs in this process, nor can read its memory."""
    close_to_others()
    match request:
        case Fetch():
            from benchy.hub import holding_token
            from benchy.worker.fetch.run import fetch

            with holding_token(request.token):
                return fetch(request.config, request.data_sets, session.emit, weights=request.weights)
        case Upload():
            from benchy.worker.upload import upload

            return upload(request)
        case LogToWandb():
            from benchy.worker.wandb_run import log_to_wandb

            return log_to_wandb(request)
