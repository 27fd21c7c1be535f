"""Which texts stand for which route."""

from __future__ import annotations

from synapse_cli.profile.model import Route
from synapse_cli.routing.examples import gathered, nearest, of_profile, quoted


def test_equal_examples_are_equal_however_they_are_listed() -> None:
    pairs = [("pay my bill", "billing"), ("fix this", "code"), ("charge me", "billing")]

    assert gathered(pairs) == gathered(reversed(pairs))
    assert gathered(pairs).sha256 == gathered([*pairs, pairs[0]]).sha256
    assert gathered(pairs).sha256 != gathered(pairs[:2]).sha256


def test_a_text_that_stands_for_two_routes_is_left_out_and_told() -> None:
    found = gathered([("hello", "a"), ("hello", "b"), ("bye", "a")])

    assert found.texts == ("bye",)
    assert found.routes == ("a",)
    assert found.unclear == (("hello", ("a", "b")),)


def test_blank_texts_are_no_examples() -> None:
    assert len(gathered([("  ", "a"), ("", "b")])) == 0


def test_a_profile_without_examples_has_none_and_routes_are_sorted() -> None:
    routes = {"b": Route(name="b", examples=("two",)), "a": Route(name="a", examples=("one",)), "c": Route(name="c")}

    assert of_profile({"c": routes["c"]}).routes == ()
    assert of_profile(routes).routes == ("a", "b")
    assert of_profile(routes).of("b") == ("two",)
    assert of_profile(routes).of("c") == ()


def test_the_nearest_example_shares_most_words_and_none_where_none_shares_any() -> None:
    texts = ("where is my parcel", "cancel the parcel now", "good morning")

    assert nearest("Cancel my parcel NOW", texts) == '"cancel the parcel now"'
    assert nearest("xyz", texts) is None


def test_a_long_example_is_quoted_short_on_one_line() -> None:
    assert quoted("a\nb") == '"a b"'
    assert len(quoted("word " * 100)) == 62
