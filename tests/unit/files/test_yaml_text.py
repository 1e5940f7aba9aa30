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


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("1E-4", 1e-4),
        ("+1e-4", 1e-4),
        ("-1e3", -1000.0),
        ("1.e-4", 1e-4),
        (".001", 0.001),
        (".5e1", 5.0),
        ("1_000", 1000),
        ("1_000.5", 1000.5),
        ("010", 10),
        ("0x10", 16),
        ("12:30", "12:30"),
        ("1:30.5", "1:30.5"),
        ("2024-01-01", "2024-01-01"),
        ("1e", "1e"),
        ("1.2.3", "1.2.3"),
        ("'1e-4'", "1e-4"),
        ("true", True),
        ("yes", True),
        ("~", None),
        (".inf", float("inf")),
    ],
)
def test_numbers_are_those_of_python_and_times_and_dates_are_text(text: str, value: object) -> None:
    found = parse_yaml(f"a: {text}").values["a"]
    assert (found, type(found)) == (value, type(value))


def test_scalars_are_kept_as_written_beside_what_yaml_1_1_makes_of_them() -> None:
    text = parse_yaml("names: [yes, 007, ~]\nmore:\n  1: no\n")
    assert text.texts == {"names.0": "yes", "names.1": "007", "names.2": "~", "more.1": "no"}
    assert text.as_yaml_1_1 == {"names": [True, 7, None], "more": {1: False}}


def test_a_text_that_names_itself_or_a_thousand_copies_is_read_once() -> None:
    assert parse_yaml("a: &a\n  b: *a\n").lines == {"a": 1, "a.b": 2}
    copies = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 16))
    assert len(parse_yaml(copies).texts) == 2


def test_a_text_that_is_nested_without_end_is_no_yaml() -> None:
    with pytest.raises(NotYaml, match="nested too deeply"):
        parse_yaml("[" * 5000 + "]" * 5000)


def bomb(first: str, level: str, levels: int = 8) -> str:
    """A text whose levels each repeat the one before nine times."""
    rows = [f"l0: &l0 {first}"]
    rows += [f"l{n}: &l{n} {level.format(', '.join([f'*l{n - 1}'] * 9))}" for n in range(1, levels + 1)]
    return "\n".join(rows) + "\n"


@pytest.mark.parametrize(("first", "level"), [("[a]", "[{}]"), ("{a: b}", "{{<<: [{}]}}")])
def test_aliases_that_fill_the_memory_are_refused_at_their_line(first: str, level: str) -> None:
    with pytest.raises(NotYaml, match="its aliases stand for more than 1,000,000 values") as error:
        parse_yaml(bomb(first, level))
    assert error.value.line == 7


def test_a_few_aliases_and_one_that_holds_itself_are_values() -> None:
    assert len(parse_yaml(bomb("[a]", "[{}]", 2)).values["l2"]) == 9
    assert parse_yaml("a: &a [1, *a]\n").values["a"][0] == 1
