"""The task ``upload``."""

from __future__ import annotations

from prefect import task
from prefect.artifacts import create_link_artifact

from benchy.record import Uploaded
from tasks.markdown import as_plain_markdown
from tasks.retries import RETRY_DELAYS_SECONDS, is_transient
from tasks.run_log import shown_in_prefect, shown_only


@task(
    name="upload",
    retries=len(RETRY_DELAYS_SECONDS),
    retry_delay_seconds=RETRY_DELAYS_SECONDS,
    retry_condition_fn=is_transient,
)
def upload(run_name: str) -> Uploaded | None:
    """Publish the record to the leaderboard."""
    with shown_in_prefect("upload", run_name) as run:
        result = run.upload()
        if result is not None:
            with shown_only(run):
                create_link_artifact(
                    result.url, link_text="Leaderboard", key="leaderboard", description=as_plain_markdown(run_name)
                )
        return result
