"""Reads YAML that anybody may have written: plain data within bounds of size, depth and references."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    PlainLoader = yaml.SafeLoader
else:
    PlainLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

MOST_BYTES = 1_000_000
"""Bytes of one file; a list of all of lm-eval's benchmarks has 350,000."""
MOST_VALUES = 20_000
"""Values of one file, those that aliases repeat counted each time."""
DEEPEST = 50
"""Levels of lists and mappings within each other."""
LONGEST_NUMBER = 100
"""Characters of one number: Python itself prints none of more than 4,300 digits."""
_NUMBER = re.compile(r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*(?::[0-9_]+)*(?:\.[0-9_]*)?)")


def compose_yaml(text: str | bytes, loader: type[yaml.SafeLoader] = PlainLoader) -> yaml.Node | None:
    """Return the nodes of a text, each with its line; None where it holds nothing.

    Raises:
        yaml.YAMLError: it is not valid, or beyond the bounds.
    """
    if len(text) > MOST_BYTES:
        raise yaml.YAMLError(f"it is larger than {MOST_BYTES:,} bytes")
    with _failing_as_yaml():
        _require_bounded(text)
        return loader(text).get_single_node()


def plain_data(node: yaml.Node | None, loader: type[yaml.SafeLoader] = PlainLoader) -> Any:
    """Return the data that nodes stand for. Merge keys change the nodes: look at them before.

    Raises:
        yaml.YAMLError: a value is not what its tag says, or its tag is not plain data.
    """
    with _failing_as_yaml():
        return None if node is None else loader("").construct_document(node)


def read_yaml(text: str | bytes, loader: type[yaml.SafeLoader] = PlainLoader) -> Any:
    """Return the data that a text stands for.

    Raises:
        yaml.YAMLError: as :func:`compose_yaml` and :func:`plain_data`.
    """
    return plain_data(compose_yaml(text, loader), loader)


def _require_bounded(text: str | bytes) -> None:
    """Refuse what would take minutes or all memory to compose, by the events of its parser alone."""
    count, opened = 0, [""]
    starts: dict[str, int] = {}
    sizes: dict[str, int] = {}
    for event in yaml.parse(text, Loader=PlainLoader):
        anchor = getattr(event, "anchor", None) or ""
        if isinstance(event, yaml.CollectionEndEvent):
            closed = opened.pop()
            sizes[closed] = count - starts.get(closed, count)
        elif isinstance(event, yaml.AliasEvent):
            if anchor in opened:
                raise _refusal("a value contains itself", event)
            count += sizes.get(anchor, 1)
        elif isinstance(event, yaml.NodeEvent):
            starts[anchor], count = count, count + 1
            _require_short_number(event)
            if isinstance(event, yaml.CollectionStartEvent):
                opened.append(anchor)
            else:
                sizes[anchor] = 1
        if count > MOST_VALUES:
            raise _refusal(f"it holds more than {MOST_VALUES:,} values", event)
        if len(opened) > DEEPEST:
            raise _refusal(f"it is nested deeper than {DEEPEST} levels", event)


def _require_short_number(event: yaml.NodeEvent) -> None:
    if not isinstance(event, yaml.ScalarEvent) or len(event.value) <= LONGEST_NUMBER:
        return
    if (event.tag or "").endswith((":int", ":float")) or (event.implicit[0] and _NUMBER.fullmatch(event.value)):
        raise _refusal(f"a number has more than {LONGEST_NUMBER} characters", event)


@contextmanager
def _failing_as_yaml() -> Iterator[None]:
    """PyYAML raises what Python raises of a month 13, of `!!int x`, of an escape beyond Unicode."""
    try:
        yield
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise yaml.YAMLError(f"a value cannot be read: {error}") from error


def _refusal(problem: str, event: yaml.Event) -> yaml.YAMLError:
    return yaml.YAMLError(f"{problem}{event.start_mark}")
