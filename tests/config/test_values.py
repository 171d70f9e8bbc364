"""Values may be written as lm-eval and YAML take them, and what JSON cannot hold is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from benchy.config import values
from benchy.config.values import as_seeds, as_tuple, no_is_a_word, one_or_more, split_names


@pytest.mark.parametrize(
    ("value", "read"),
    [("a, b ,c", ("a", "b", "c")), ("a", ("a",)), (["a", "b"], ("a", "b")), ([], ()), (None, None), (7, 7)],
)
def test_names_are_split_at_commas(value: object, read: object) -> None:
    assert split_names(value) == read


@pytest.mark.parametrize(("value", "read"), [("a,b", ("a,b",)), (["a", "b"], ("a", "b")), (None, None), (7, 7)])
def test_one_or_more_is_not_split(value: object, read: object) -> None:
    assert one_or_more(value) == read


@pytest.mark.parametrize(("value", "read"), [(["a"], ("a",)), ("a", "a"), ({"a": 1}, {"a": 1}), (None, None)])
def test_only_a_list_is_a_tuple(value: object, read: object) -> None:
    assert as_tuple(value) == read


@pytest.mark.parametrize(("value", "read"), [(False, "no"), ("no", "no"), (True, True), (0, 0), (None, None)])
def test_yamls_no_is_a_word(value: object, read: object) -> None:
    assert no_is_a_word(value) == read
    assert type(no_is_a_word(value)) is type(read)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (7, 7), (None, None), ("7", (7, 7, 7, 7)), ("None", (None,) * 4), (" NONE ", (None,) * 4), ([3], (3, 3, 3, 3)),
        ("1,2,3", (1, 2, 3, 1234)), ([1, None, 3], (1, None, 3, 1234)), ("0,None,8,52", (0, None, 8, 52)),
        ("1,2", (1, 2)), ("-1", ("-1",) * 4), ("x", ("x",) * 4), ("1.5", ("1.5",) * 4), ({"a": 1}, {"a": 1}),
    ],
)  # fmt: skip
def test_seeds_are_read_as_lm_eval_reads_them(value: object, read: object) -> None:
    assert as_seeds(value) == read


def accepts(kind: Any, value: object) -> bool:
    """Whether a value is one of this kind, as strictly as a config is read."""
    try:
        TypeAdapter(kind).validate_python(value, strict=True)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (values.Name, ["a", "é", "x" * 4096], ["", "a\0b", "x" * 4097, 7]),
        (values.Count, [1, 2**31 - 1], [0, -1, 2**31, "1"]),
        (values.Bytes, ["1b", "512m", "8g"], ["0g", "8", "8gb", "-8g", "8 g", "8g\n"]),
        (values.Volume, ["/a:/b", "name:/b:ro", "/a:/b:rw"], ["/a", "/a:b", ":/b", "/a:/b:rx"]),
        (values.Seed, [0, 2**32 - 1, None], [-1, 2**32, "1"]),
    ],
)
def test_each_kind_has_its_bounds(kind: Any, good: list[object], bad: list[object]) -> None:
    assert [value for value in good if not accepts(kind, value)] == []
    assert [value for value in bad if accepts(kind, value)] == []


@pytest.mark.parametrize("name", [0, 999, "GPU-8f2c", "MIG-1/2/3", "nvidia.com/gpu=0", "nvidia.com/gpu=1:0"])
def test_a_gpu_is_named_by_index_uuid_or_cdi_name(name: int | str) -> None:
    assert accepts(values.GpuName, name)


@pytest.mark.parametrize("name", [-1, 1000, 0.5, "0", "gpu-8f2c", "GPU-", "nvidia.com/gpu", "a/b=c d", "all"])
def test_what_names_no_gpu_is_refused(name: object) -> None:
    assert not accepts(values.GpuName, name)


@pytest.mark.parametrize(("path", "expanded"), [("~/m", "{home}/m"), ("~", "{home}"), ("a/~/b", "a/~/b"), ("m", "m")])
def test_a_path_may_begin_at_this_users_home(path: str, expanded: str) -> None:
    assert TypeAdapter(values.FilePath).validate_python(path) == expanded.format(home=Path.home())


def test_the_home_of_nobody_is_refused() -> None:
    with pytest.raises(ValidationError, match='"~nobody-here/m" names the home folder of nobody on this host'):
        TypeAdapter(values.FilePath).validate_python("~nobody-here/m")


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), {1, 2}, b"x", "\ud800", Path("x")])
def test_arguments_are_what_json_can_hold(bad: object) -> None:
    with pytest.raises(ValidationError, match="what JSON cannot hold is no argument"):
        TypeAdapter(values.Arguments).validate_python({"a": [{"b": bad}]})


@pytest.mark.parametrize("text", ["n=1,until=['a']", '{"n": 1, "until": ["a"]}', {"n": 1, "until": ["a"]}])
def test_arguments_may_be_written_as_text(text: object) -> None:
    assert TypeAdapter(values.ArgumentsAsText).validate_python(text) == {"n": 1, "until": ["a"]}
