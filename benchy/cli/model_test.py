"""`benchy test`: the model test by hand, without YAML and without Prefect."""

from __future__ import annotations

import json
import shutil
import tempfile
from typing import TYPE_CHECKING, Any

import click

from benchy.errors import ConfigError

if TYPE_CHECKING:
    from benchy.config import BenchmarkConfig

SETTINGS = ("dtype", "max_length", "revision", "trust_remote_code")
"""Those of lm-eval's model arguments that have a key of their own under ``model``."""


@click.command()
@click.option("--model_name", "--model-name", required=True, help="A repository on the Hub or a folder.")
@click.option("--model_args", "--model-args", default="", help="lm-eval's: pretrained=...,dtype=float16")
@click.option("--backend", default="hf", help="lm-eval's model type.")
@click.option("--device", default="cuda", show_default=True)
@click.option("--use_accelerate", "--use-accelerate", is_flag=True)
@click.option("--num_gpus", "--num-gpus", type=click.IntRange(min=1))
@click.option("--mixed_precision", "--mixed-precision", type=click.Choice(["no", "fp16", "bf16", "fp8"]), default="no")
def test(**options: Any) -> None:
    """Run the model test alone, for debugging: no YAML, no Prefect."""
    test_model(**options)


def test_model(
    *,
    model_name: str,
    model_args: str,
    backend: str,
    device: str,
    use_accelerate: bool,
    num_gpus: int | None,
    mixed_precision: str,
) -> None:
    """Load a model, say hello through it, print what was measured.

    Raises:
        BenchyError: what the worker says.
    """
    from benchy.display.tables import model_test_block
    from benchy.display.terminal import shown_on_terminal
    from benchy.preflight.checks import preflight
    from benchy.runs.opening import open_run
    from benchy.runtimes.choose import choose_runtime

    config = config_of_options(
        model_name=model_name,
        model_args=parse_model_args(model_args),
        backend=backend,
        device=device,
        performance={"use_accelerate": use_accelerate, "num_gpus": num_gpus, "mixed_precision": mixed_precision},
    )
    runtime = choose_runtime(config)
    facts = preflight(config, runtime=runtime)
    with open_run(config, facts, runtime=runtime) as run:
        with shown_on_terminal(run):
            result = run.model_test()
        block = model_test_block(run.record.model_label, result)
        run.log.write(block.splitlines())
    shutil.rmtree(run.folder)
    click.echo(block)


def parse_model_args(text: str) -> dict[str, object]:
    """lm-eval's ``key=value,key=value``; numbers, true and false become what they say.

    Raises:
        ConfigError: a part without ``=``.
    """
    found: dict[str, object] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        key, equals, value = part.partition("=")
        if not equals:
            raise ConfigError(f'--model_args: "{part}" is not key=value', hint="e.g. pretrained=org/name,dtype=float16")
        found[key.strip()] = _value(value.strip())
    return found


def _value(text: str) -> object:
    try:
        return json.loads(text.lower() if text in {"True", "False"} else text)
    except ValueError:
        return text


def config_of_options(
    *, model_name: str, model_args: dict[str, object], backend: str, device: str, performance: dict[str, object]
) -> BenchmarkConfig:
    """Return the config that says the same; ``pretrained`` in the arguments is the model that is loaded.

    Raises:
        ConfigError: the options do not fit together.
    """
    from benchy.config import parse_config

    args = dict(model_args)
    name = args.pop("pretrained", model_name)
    own = {key: args.pop(key) for key in SETTINGS if key in args}
    model = {"name": name, "backend": backend, "args": args, **own}
    evaluation = {"tasks": [], "device": device, "output_path": tempfile.gettempdir()}
    data = {"model": model, "evaluation": evaluation, "performance": performance}
    return parse_config(data, source="benchy test")
