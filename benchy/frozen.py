"""FrozenModel: the base of all data that is checked once and never changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict


class FrozenModel(BaseModel):
    """Data that is checked when it is made, and never changed.

    A changed copy comes from a named, typed method of the class itself (``record.tested(result)``).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    def _with(self, **changes: object) -> Self:
        """Return a copy with some fields changed, checked as when it was made: for named methods of the class alone.

        Raises:
            pydantic.ValidationError: there is no such field, or the value is not one of its type.
        """
        return type(self).model_validate({**dict(self), **changes})

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Copy as pydantic does, but check what is changed: pydantic's own takes any name and any value.

        Raises:
            pydantic.ValidationError: as :meth:`_with`.
        """
        copy = super().model_copy(deep=deep)
        return copy._with(**update) if update else copy
