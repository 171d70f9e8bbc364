"""The three Prefect tasks: retries, timing and artifacts around the steps of a run."""
