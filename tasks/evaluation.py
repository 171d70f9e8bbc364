"""The task ``evaluation``."""

from __future__ import annotations

from prefect import task
from prefect.artifacts import create_table_artifact

from benchy.display.tables import gpu_rows, score_rows, seconds_rows
from benchy.record import EvaluationResult
from tasks.markdown import as_plain_markdown, as_plain_rows
from tasks.retries import RETRY_DELAYS_SECONDS, is_transient
from tasks.run_log import shown_in_prefect, shown_only


@task(
    name="evaluation",
    retries=len(RETRY_DELAYS_SECONDS),
    retry_delay_seconds=RETRY_DELAYS_SECONDS,
    retry_condition_fn=is_transient,
    persist_result=True,  # a retry of the flow run after a failed upload does not repeat it
)
def evaluation(run_name: str) -> EvaluationResult:
    """Run lm-evaluation-harness on the model that was tested."""
    with shown_in_prefect("evaluation", run_name) as run:
        result = run.evaluation()
        with shown_only(run):
            create_table_artifact(
                as_plain_rows(score_rows(result)), key="scores", description=f"Scores of {as_plain_markdown(run_name)}"
            )
            create_table_artifact(
                as_plain_rows(seconds_rows(result)), key="seconds", description="Seconds for each benchmark"
            )
            if rows := gpu_rows(run.record):
                create_table_artifact(
                    as_plain_rows(rows), key="gpu-use", description="Mean and peak of each GPU, sampled once a second"
                )
        return result
