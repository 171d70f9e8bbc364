"""Answers of a cut run are found by keys that no release of Benchy or lm-eval may change."""

from __future__ import annotations

from typing import Any

import pytest
from lm_eval.api.model import hash_args
from PIL import Image

from benchy.worker.answers.keys import request_key


@pytest.mark.parametrize(
    ("kind", "arguments", "key"),
    [
        ("loglikelihood", ("a", "7"), "11cd33a28593501e57d194b339ebb799"),
        ("generate_until", ("a", {"until": ["."], "max_gen_toks": 5}), "dafbe63687da48e005e289b6322bb46e"),
        ("window", ([1, 2], [3]), "24baf56e5fcbdc5d9934685f825671bc"),
        ("generate_until", ("a", {"x": b"abc"}), "75d411a88e1395a59a48dc19ddece36c"),
    ],
)
def test_keys_stay_those_of_benchy_0_1(kind: str, arguments: tuple[Any, ...], key: str) -> None:
    assert request_key(kind, arguments) == key


def test_the_order_of_arguments_does_not_matter_and_their_values_do() -> None:
    first, turned = {"until": ["."], "max_gen_toks": 5}, {"max_gen_toks": 5, "until": ["."]}
    assert request_key("generate_until", ("a", first)) == request_key("generate_until", ("a", turned))
    assert request_key("generate_until", ("a", first)) != request_key("generate_until", ("a", first | {"until": ["!"]}))


def test_an_image_counts_by_its_content_as_in_lm_evals_own_cache() -> None:
    red, also_red, blue = (Image.new("RGB", (2, 2), color) for color in ("red", "red", "blue"))
    assert (
        request_key("generate_until", ("a", {}, {"visual": [red]}))
        == hash_args("generate_until", ("a", {}, {"visual": [also_red]}))[:32]
    )
    assert request_key("x", (red,)) != request_key("x", (blue,))


def test_what_has_no_content_is_refused() -> None:
    with pytest.raises(TypeError, match="a request holds one of type object"):
        request_key("x", (object(),))
