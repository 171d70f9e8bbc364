"""`benchy serve`: serve configs as Prefect deployments."""

from __future__ import annotations

from pathlib import Path

import click

from benchy.errors import ConfigError

OPEN_SERVER = (
    "⚠️ every web page that is opened where this Prefect server can be reached can start runs: start it with"
    " PREFECT_SERVER_API_AUTH_STRING (a password), and say the same in PREFECT_API_AUTH_STRING here"
)


@click.command()
@click.argument("configs", type=click.Path(path_type=Path), default=Path("configs"))
def serve(configs: Path) -> None:
    """Serve each YAML file of a folder as a deployment.

    Its name is `benchy/<the file's>`; the runs that are asked for there run here, one at a time. A wrong file is
    named, and the others are served; it is served once it is right, as is a new one.
    """
    from benchy.config.folder import look_into

    refused: dict[Path, str] = {}

    def look() -> list[Path]:
        """Return the files that can be served now; of the others each problem is said once."""
        found = look_into(configs)
        for problem in (found.refused[path] for path in found.refused if refused.get(path) != found.refused[path]):
            click.echo(f"⚠️ not served: {problem}", err=True)
        refused.clear()
        refused.update(found.refused)
        return list(found.configs.values())

    files = look()
    if not files:
        raise ConfigError(f'no YAML file in "{configs}" can be served', hint="name the folder of your configs")
    from flows.settings import set_prefect_defaults

    set_prefect_defaults()
    from flows.servers import is_open_to_web_pages, require_server
    from flows.serving import serve_deployments

    url = require_server()
    if is_open_to_web_pages(url):
        click.echo(OPEN_SERVER, err=True)
    click.echo(f"Serving {', '.join(f'benchy/{file.stem}' for file in files)}")
    serve_deployments(files, look)
