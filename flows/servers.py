"""The Prefect server that is configured, by the environment or by a profile of Prefect's."""

from __future__ import annotations

from benchy.errors import ConfigError, NetworkError


def require_server() -> str:
    """Check that a server is configured, and answers: Prefect itself would start one that nobody knows of. Its URL.

    Raises:
        ConfigError: none is configured.
        NetworkError: it does not answer.
    """
    from prefect.settings import get_current_settings

    url = get_current_settings().api.url
    if url is None:
        raise ConfigError(
            "no Prefect server is configured",
            hint="start one (`prefect server start`), then `export PREFECT_API_URL=http://127.0.0.1:4200/api`",
        )
    require_answer(url, hint="start it (`prefect server start`), or set PREFECT_API_URL to one that answers")
    return url


def is_open_to_web_pages(url: str) -> bool:
    """Whether any web page that somebody on this machine looks at may use this server."""
    import httpx

    asked = {"Origin": "https://benchy.invalid", "Access-Control-Request-Method": "POST"}
    try:
        answer = httpx.options(f"{url}/flow_runs/filter", headers=asked)
        return "access-control-allow-origin" in answer.headers and httpx.get(f"{url}/admin/version").is_success
    except httpx.HTTPError:  # Prefect's own client, with its certificates, reached it
        return False


def require_answer(url: str, *, hint: str) -> None:
    """Check that the server at this URL answers; ``hint`` is what to do if not.

    Raises:
        NetworkError: it does not.
    """
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        problem = client.api_healthcheck()
    if problem is not None:
        raise NetworkError(f"the Prefect server at {url} does not answer: {problem}", hint=hint)
