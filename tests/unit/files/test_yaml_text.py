"""YAML with the line of every key, and keys that stand twice."""

from __future__ import annotations

import pytest

from automl.files.yaml_text import NotYaml, parse_yaml


def test_every_key_knows_its_line() -> None:
    text = parse_yaml("a: 1\nb:\n  c: 2\n")
    assert text.values == {"a": 1, "b": {"c": 2}}
    assert text.lines == {"a": 1, "b": 2, "b.c": 3}
    assert text.repeated == ()


def test_a_key_that_stands_twice_in_one_mapping_is_seen() -> None:
    assert parse_yaml("a: 1\nb: {c: 1}\nd: {c: 1}\na: 2\n").repeated == ((4, "a"),)
    assert parse_yaml("a:\n  b: 1\n  b: 2\n").repeated == ((3, "b"),)


@pytest.mark.parametrize(("text", "line"), [("a: [1\nb: 2", 2), ("a: 1\n\tb: 2\n", 2), ("a: 2024-13-45\n", None)])
def test_text_that_is_no_yaml_names_its_line_where_there_is_one(text: str, line: int | None) -> None:
    with pytest.raises(NotYaml) as error:
        parse_yaml(text)
    assert error.value.line == line


def test_an_empty_text_has_no_values() -> None:
    assert parse_yaml("").values is None
