"""The sections of a config that say where a run is published: upload, wandb."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, field_validator, model_validator

from benchy.config.mistakes import ADDRESS
from benchy.config.values import ChangePath, FilePath, Name, Section, as_tuple

UPLOAD_TOKEN = "HF_UPLOAD_TOKEN"  # noqa: S105 - the name of a variable
WANDB_KEY = "WANDB_API_KEY"
_READ_TOKENS = {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HUGGINGFACE_HUB_TOKEN"}
"""What huggingface_hub and its predecessors read by themselves."""
_DATA_SET = re.compile(r"hf://datasets/(?P<name>[\w.-]+/[\w.-]+)")
_BROUGHT = re.compile(rf"(?P<address>{ADDRESS.strip('^$')})://(?P<place>.+)")


class UploadConfig(Section):
    """Where the result is published, and what of it."""

    to: FilePath
    """The leaderboard: a folder, or a data set on the Hugging Face Hub (``hf://datasets/org/name``).

    ``package.module:Class://PLACE`` is a store of another package (docs/extending.md).
    """
    samples: bool = True
    """Publish each document's prompt, answer and score too; some data sets must not be published again."""
    scores: bool = True
    """Publish each document's scores, with hashes in place of what was asked and answered: comparisons need no more."""
    model_card: bool = False
    """Also offer the scores to the model's own repository, as a pull request with ``.eval_results/*.yaml``."""
    token_env: Name = UPLOAD_TOKEN
    """The environment variable with a token that may write to the data set; the GPU worker never sees it."""

    @field_validator("to")
    @classmethod
    def _refuse_other_addresses(cls, to: str) -> str:
        if "://" in to and not _DATA_SET.fullmatch(to) and not _BROUGHT.fullmatch(to):
            raise ValueError(f'"upload.to" is {to!r}; expected a folder or hf://datasets/ORG/NAME')
        return to

    @field_validator("token_env")
    @classmethod
    def _refuse_the_models_token(cls, name: str) -> str:
        if name in _READ_TOKENS:
            raise ValueError(
                f'"upload.token_env" is {name}, which code of the model can read; put the token that may write '
                f"to the leaderboard into another variable, e.g. {UPLOAD_TOKEN}"
            )
        return name

    @model_validator(mode="after")
    def _refuse_a_card_of_a_folder(self) -> Self:
        if self.model_card and self.data_set is None:
            raise ValueError(
                '"upload.model_card" needs a leaderboard on the Hub, which the scores can name as their source'
            )
        return self

    @property
    def data_set(self) -> str | None:
        """``org/name`` on the Hub; None for a folder."""
        found = _DATA_SET.fullmatch(self.to)
        return found["name"] if found else None

    @property
    def brought(self) -> tuple[str, str] | None:
        """Of a store of another package: ``package.module:Class``, and the place there."""
        found = _BROUGHT.fullmatch(self.to)
        return (found["address"], found["place"]) if found else None

    @property
    def folder(self) -> Path | None:
        """The folder; None if the leaderboard lies elsewhere."""
        return None if "://" in self.to else Path(self.to)

    def with_paths(self, change: ChangePath) -> Self:
        """Return it with its leaderboard's address changed."""
        return self._with(to=change(self.to))


class WandbConfig(Section):
    """Where a run is shown at Weights & Biases, through lm-eval's own logger; needs the extra ``wandb``.

    ``upload.samples: false`` keeps prompts and answers back there too.
    """

    project: Name
    """Made by the first run."""
    entity: Name | None = None
    """The user or team that owns the project; the API key's own if not set."""
    group: Name | None = None
    """Runs of one group are shown together."""
    tags: Annotated[tuple[Name, ...], BeforeValidator(as_tuple)] = ()
    """Labels of the run."""
