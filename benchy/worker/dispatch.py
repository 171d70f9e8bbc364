"""Does what a request asks for, and turns every failure into a reply."""

from __future__ import annotations

import traceback

from pydantic import BaseModel

from benchy.errors import BenchyError
from benchy.protocol import AnyRequest, Evaluation, LogToWandb, ModelTest, Prepare, Upload, decode_request
from benchy.worker.failures import name_unexpected
from benchy.worker.ranks import RankDone
from benchy.worker.session import Session


def answer_line(session: Session, line: bytes) -> tuple[int, BaseModel | None]:
    """Do what one line asks; every failure becomes a reply."""
    request_id = 0
    try:
        request_id, request = decode_request(line)
        return request_id, _do(session, request)
    except RankDone:
        return request_id, None
    except Exception as error:  # noqa: BLE001 - the one catch-all at this edge
        failure = error if isinstance(error, BenchyError) else name_unexpected(error)
        failure.traceback = failure.traceback or traceback.format_exc()
        return request_id, failure.to_data()


def _do(session: Session, request: AnyRequest) -> BaseModel:
    """Each step is imported when it is asked for: an upload needs no torch."""
    match request:
        case Prepare():
            from benchy.hub import holding_token
            from benchy.worker.prepare import prepare

            with holding_token(request.token):
                return prepare(session, request)
        case ModelTest():
            from benchy.worker.machine.gpu_monitor import watch_gpus
            from benchy.worker.model_test import model_test

            with watch_gpus(session.config) as watch:
                tested = model_test(session, request)
            return tested.model_copy(update={"gpu_use": watch.use})
        case Evaluation():
            from benchy.worker.evaluation.evaluate import evaluation
            from benchy.worker.machine.gpu_monitor import watch_gpus

            with watch_gpus(session.config) as watch:
                evaluated = evaluation(session, request)
            return evaluated.model_copy(update={"gpu_use": watch.use})
        case Upload():
            from benchy.worker.upload import upload

            return upload(request)
        case LogToWandb():
            from benchy.worker.wandb_run import log_to_wandb

            return log_to_wandb(request)
