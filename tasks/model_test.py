"""The task ``model_test``."""

from __future__ import annotations

from prefect import task
from prefect.artifacts import create_table_artifact

from benchy.display.tables import model_test_block, model_test_rows
from benchy.plain_text import plain
from benchy.record import ModelTestResult
from tasks.markdown import as_plain_markdown, as_plain_rows
from tasks.retries import RETRY_DELAYS_SECONDS, is_transient
from tasks.run_log import shown_in_prefect, shown_only


@task(
    name="model_test",
    retries=len(RETRY_DELAYS_SECONDS),
    retry_delay_seconds=RETRY_DELAYS_SECONDS,
    retry_condition_fn=is_transient,
    persist_result=True,  # a retry of the flow run does not repeat it
)
def model_test(run_name: str) -> ModelTestResult:
    """Load the model with the evaluation's own arguments, say hello through it, measure."""
    with shown_in_prefect("model_test", run_name) as run:
        result = run.model_test()
        run.log.write(model_test_block(run.record.model_label, result).splitlines())
        with shown_only(run):
            rows, said = model_test_rows(run.record, result), as_plain_markdown(plain(result.generated))
            create_table_artifact(as_plain_rows(rows), key="model-test", description=said)
        return result
