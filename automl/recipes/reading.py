"""Reading of a recipe that `write_recipe` wrote, by this version or an earlier one."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from automl.errors import AutoMLError
from automl.files.yaml_text import NotYaml, parse_yaml
from automl.recipes.place import TITLE
from automl.recipes.promised import KEY, Promised, promised_from
from automl.scores.promise import from_scores

MOST_BYTES = 1 << 20
_FACT = re.compile(r"# ([^:]+): (.*)")
_SCORE = re.compile(r"(\d\.\d+) mAP50-95")
_SHA = re.compile(r"sha256:([0-9a-f]{64})")


@dataclass(frozen=True, kw_only=True)
class WrittenRecipe:
    """A recipe's file: the facts that it states, and its arguments."""

    file: Path
    facts: Mapping[str, str]
    arguments: Mapping[str, Any]
    promised: Promised
    older: bool = False  # True: of a version that wrote no promise, which follows from its facts here


def read_recipe(file: Path) -> WrittenRecipe:
    """The recipe in that file. Raises AutoMLError, with the file, for what is none, or promises nothing."""
    text = _text(file)
    if text.lstrip().startswith("{"):
        facts, arguments, document = _json(file, text)
    else:
        facts, arguments, document = _yaml(file, text)
    if document is None:
        return WrittenRecipe(file=file, facts=facts, arguments=arguments, promised=_by_facts(file, facts), older=True)
    try:
        promised = promised_from(document)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise AutoMLError(f"{file}: its '{KEY}' cannot be read. Write the recipe again with automl export.") from None
    return WrittenRecipe(file=file, facts=facts, arguments=arguments, promised=promised)


def _text(file: Path) -> str:
    try:
        if file.is_dir():
            raise AutoMLError(f"{file} is a folder. Name the recipe in it, such as {file / 'hyp.yaml'}.")
        if not file.is_file():
            raise AutoMLError(f"{file}: no such file. Name a recipe that automl export has written, or a study.")
        if file.stat().st_size > MOST_BYTES:
            raise AutoMLError(f"{file} is larger than {MOST_BYTES >> 20} MB, so it is no recipe of automl's.")
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise AutoMLError(f"{file} cannot be read ({reason}). Name a recipe that automl export has written.") from None


def _json(file: Path, text: str) -> tuple[Mapping[str, str], Mapping[str, Any], Any]:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise AutoMLError(f"{file}:{error.lineno}: is not JSON: {error.msg}.") from None
    facts, arguments = document.get("facts"), document.get("arguments")
    if not isinstance(facts, dict) or not isinstance(arguments, dict) or not facts or not arguments:
        raise _foreign(file)
    return {str(key): str(value) for key, value in facts.items()}, arguments, document.get(KEY)


def _yaml(file: Path, text: str) -> tuple[Mapping[str, str], Mapping[str, Any], Any]:
    if not text.startswith(TITLE):
        raise _foreign(file)
    try:
        document = parse_yaml(text)
    except NotYaml as error:
        where = f":{error.line}" if error.line else ""
        raise AutoMLError(f"{file}{where}: is not YAML: {error.problem}.") from None
    for line, key in document.repeated:
        raise AutoMLError(f"{file}:{line}: names '{key}' twice. Keep one of them.")
    if not isinstance(document.values, dict) or not document.values:
        raise AutoMLError(f"{file}: holds no arguments. Write the recipe again with automl export.")
    header = [match for line in text.splitlines() if (match := _FACT.fullmatch(line))]
    facts = {match[1]: match[2] for match in header}
    kept = facts.pop(KEY, None)
    try:
        return facts, document.values, None if kept is None else json.loads(kept)
    except json.JSONDecodeError:
        raise AutoMLError(f"{file}: its '{KEY}' is not JSON. Write the recipe again with automl export.") from None


def _foreign(file: Path) -> AutoMLError:
    return AutoMLError(
        f"{file} is no recipe of automl's, so nobody has promised a figure for it. Name one that automl export has "
        "written, or a study."
    )


def _by_facts(file: Path, facts: Mapping[str, str]) -> Promised:
    """The promise of a recipe without one: by its score and the recorded noise of seeds."""
    score = _SCORE.match(facts.get("score", ""))
    trained = re.search(r"of (\d+) epochs trained", facts.get("trial", ""))
    if score is None or trained is None:
        raise AutoMLError(f"{file} states no score of its trial, so it promises nothing. Export it again.")
    if "epochs" in facts:
        raise AutoMLError(
            f"{file} is of an earlier version and for another length than its figure, which was measured after "
            f"{trained[1]} epochs. Write it again with automl export, or verify the study."
        )
    weights, fingerprint = _SHA.search(facts.get("weights", "")), facts.get("data", "").rpartition(" ")[2]
    held = facts.get("held back", "")
    return Promised(
        promise=from_scores((float(score[1]),), int(trained[1])),
        seeds=(),
        data=fingerprint if fingerprint.startswith("sha256:") and "`test`" not in held else None,
        weights=weights[1] if weights is not None else None,
    )
