"""What is replaced for a while is as it was before, whatever happens in between."""

from __future__ import annotations

import pytest

from benchy.worker.harness.patching import replaced


class Kind:
    shared = "of the class"

    def say(self) -> str:
        return "own"


def test_an_attribute_of_the_object_itself_comes_back() -> None:
    thing = Kind()
    thing.shared = "of the object"
    with replaced(thing, shared="for a while", say=lambda: "other"):
        assert (thing.shared, thing.say()) == ("for a while", "other")
    assert (thing.shared, thing.say()) == ("of the object", "own")


def test_what_the_class_has_is_not_left_on_the_object() -> None:
    thing = Kind()
    with replaced(thing, say=lambda: "other"):
        pass
    assert vars(thing) == {}


def test_a_class_itself_comes_back_after_a_failure() -> None:
    with pytest.raises(KeyError), replaced(Kind, shared="for a while"):
        raise KeyError
    assert Kind.shared == "of the class"


def test_one_inside_another() -> None:
    thing = Kind()
    with replaced(thing, shared="outer"):
        with replaced(thing, shared="inner"):
            assert thing.shared == "inner"
        assert thing.shared == "outer"
    assert thing.shared == "of the class"
