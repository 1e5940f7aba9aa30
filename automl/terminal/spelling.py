"""Command lines as people type them: values with blanks, and words of other tools."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import pairwise
from pathlib import Path

from automl.errors import AutoMLError, UnknownName
from automl.files.shell import quoted

# Options whose value may go on behind a blank, and what then stands between its parts; None: each part is a value.
_GOES_ON: dict[str, str | None] = {
    "--budget": " ",
    "--models": ",",
    "--imgsz": ",",
    "--device": ",",
    "--weights": ",",
    "--set": None,
    "--warm-start": None,
    "--split": ",",
}
_SPLITS = ("train", "val", "test")
_UNIT = re.compile(r"(?i)(gpu-|cpu-)?(h|min|s|trials?)")
_AS_YOLO = {"model": "models", "cfg": "warm-start"}
_COMMAND_OF_YOLO = ("detect", "train", "tune", "task=detect", "mode=train", "mode=tune")


def joined(words: Sequence[str]) -> list[str]:
    """The words with values that go on behind a blank put together: `--budget 10 trials`, `--imgsz 640 1280`."""
    result: list[str] = []
    option = ""  # the option whose value was read last
    for place, word in enumerate(words):
        if word.startswith("-") and not _is_number(word):
            name, equals, value = word.partition("=")
            option = name if equals and value else ""
            result.append(word)
            continue
        before = words[place - 1] if place else ""
        if before in _GOES_ON:  # the first part of its value
            option = before
            result.append(word)
        elif option in _GOES_ON and _goes_on(option, result[-1], word):
            between = _GOES_ON[option]
            if between is None:
                result += [option, word]
            else:
                result[-1] = f"{result[-1].rstrip(',')}{between}{word.lstrip(',')}"
        else:
            option = ""
            result.append(word)
    return result


def _goes_on(option: str, value: str, word: str) -> bool:
    """True if a word behind a value belongs to it."""
    if option == "--budget":
        return _UNIT.fullmatch(word) is not None and not _UNIT.search(value.partition("=")[2] or value)
    if option == "--set":
        return "=" in word
    if option == "--split":
        return word.strip(",") in _SPLITS
    return "=" not in word


def _is_number(word: str) -> bool:
    return re.fullmatch(r"-\d+", word) is not None


def check_words(words: Sequence[str], options: Collection[str], command: str = "search") -> None:
    """Raise AutoMLError for words behind a command that belong to no option, with the words to write instead.

    words    those that are left over
    options  names of the command, such as "--data"
    """
    words = [word for word in words if word not in _COMMAND_OF_YOLO] or words[:1]
    if not words:
        return
    pairs = [word.partition("=") for word in words]
    if all(equals for _, equals, _ in pairs):
        texts = [_as_option(key, value, options, command) for key, _, value in pairs]
        raise AutoMLError(f"{' '.join(words)}: options have two dashes here. Write: {' '.join(texts)}")
    stray = next(word for word in words if "=" not in word)
    way_out = f"Every value follows its option; see: automl {command} --help"
    if Path(stray).suffix in (".yaml", ".yml"):
        way_out = f"Name the data set with: --data {quoted(stray)}"
    raise AutoMLError(f"'{stray}' belongs to no option. {way_out}")


def check_option(name: str, words: Sequence[str]) -> None:
    """Raise AutoMLError if an unknown option is an argument of trainings, with the option to write instead.

    name   such as "--lr0"
    words  of the whole command line
    """
    from automl.trainers.ultralytics import schema

    key = name.lstrip("-").replace("-", "_")
    if not schema.is_argument(key):
        return
    values = [
        word.partition("=")[2] if "=" in word else after for word, after in pairwise((*words, "")) if _is(word, name)
    ]
    value = values[0] if values and values[0] and not values[0].startswith("--") else "VALUE"
    raise AutoMLError(f"{name}: arguments of trainings are set with --set. Write: --set {quoted(f'{key}={value}')}")


def _is(word: str, name: str) -> bool:
    return word.partition("=")[0] == name


def _as_option(key: str, value: str, options: Collection[str], command: str) -> str:
    """Option that does what an argument of `yolo` does; other arguments are set for every trial of a search."""
    name = f"--{_AS_YOLO.get(key, key)}"
    if name not in options and command != "search":
        raise UnknownName("option", f"--{key}", sorted(options))
    if name not in options:
        name = "--set"
    text = f"{key}={value}" if name == "--set" else value
    return f"{name} {quoted(text)}"


def missing(command: str, example: str, **values: object) -> AutoMLError:
    """Error that names every required option that was left out.

    values  by the option's name without dashes
    """
    names = [f"--{name}" for name, value in values.items() if not value]
    return AutoMLError(f"{command} needs {' and '.join(names)}. For example: {example}")
