"""The batch size of one part of the requests; test_evaluation and test_answering have what it does to a whole run."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from lm_eval.api.instance import Instance

from benchy.worker.answers.batch_size import Batches
from benchy.worker.answers.store import AnswerStore
from benchy.worker.loading import loaded_model
from tests.worker.conftest import MakeConfig, prepared_session


def test_a_rank_waits_for_no_other_while_it_answers(make_config: MakeConfig, tmp_path: Path) -> None:
    """There is no other here: asking it anything would fail. On a GPU it would hang, if that one has its answers."""
    lm = loaded_model(prepared_session(make_config(batch_size="auto", max_batch_size=4))).lm
    lm._world_size = 2
    rolling = Instance("loglikelihood_rolling", {}, ("A text of some length. " * 50,), 0)
    with closing(AnswerStore(tmp_path / "answers_0.jsonl", {})) as store:
        batches = Batches(lm, store, "loglikelihood_rolling 0", [rolling])
        with batches.applied():
            assert lm.loglikelihood_rolling([rolling])[0] < 0
            assert batches.settle() == 4
        batches.halve()
        with batches.applied():
            lm.loglikelihood_rolling([rolling])
    assert batches.used == [4, 1]
    assert lm.world_size == 2
