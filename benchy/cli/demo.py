"""`benchy demo`: put the demo into this folder, and run it."""

from __future__ import annotations

import shutil
from importlib.metadata import distribution
from pathlib import Path

import click

import benchy
from benchy.cli.run import run
from benchy.errors import ConfigError

CONFIG = Path("configs") / "demo.yaml"
SHIPPED = "share/benchy/configs/demo.yaml"


@click.command()
@click.pass_context
def demo(context: click.Context) -> None:
    """Run the demo; its model and benchmarks are put into configs/."""
    if put_demo_into(Path()):
        click.echo(f"The demo's files are now in {CONFIG.parent.absolute()}; `benchy run {CONFIG}` runs them again")
    context.invoke(run, config=CONFIG)


def put_demo_into(folder: Path) -> bool:
    """Copy the demo's config, model and benchmarks to where they are missing; whether anything was.

    Args:
        folder: where ``configs/demo.yaml`` is to be; paths in it are relative to this folder. What is there stays.

    Raises:
        ConfigError: the demo was not installed, or the folder cannot be written.
    """
    shipped = _shipped_config()
    try:
        new = [
            path
            for path in (shipped, *filter(Path.is_file, (shipped.parent / "demo").rglob("*")))
            if _copy(path, folder / CONFIG.parent / path.relative_to(shipped.parent))
        ]
    except OSError as error:
        where = error.filename2 or error.filename
        raise ConfigError(f"{where} cannot be written: {error.strerror}", hint="run it in a folder of yours") from error
    return bool(new)


def _copy(source: Path, target: Path) -> bool:
    if target.exists():
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    return True


def _shipped_config() -> Path:
    """Find the demo's config: in a clone beside the code, else where pip installed it."""
    in_clone = Path(benchy.__file__).parents[1] / CONFIG
    if in_clone.is_file():
        return in_clone
    for path in distribution("benchy").files or ():
        if path.as_posix().endswith(SHIPPED):
            return Path(str(path.locate())).resolve()
    raise ConfigError("the demo was not installed with Benchy", hint="install Benchy from its wheel, or clone it")
