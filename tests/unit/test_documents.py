from __future__ import annotations

import importlib
import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer
import yaml
from typer.core import TyperCommand, TyperGroup, TyperOption

from automl.cli import app
from benchmarks.cli import app as benchmarks_app
from tests.test_imports import FLOORS

ROOT = Path(__file__).parents[2]
REPOSITORY = "https://github.com/yolo-automl/yolo-automl/"
LONGEST_README = 130  # lines
DOCUMENTS = sorted(
    file.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/*.md", ".github/*.md")
    for file in ROOT.glob(pattern)
)
# Documents that name options of `automl` alone.
USER_DOCUMENTS = ("README.md", "SECURITY.md", "docs/how-it-works.md", "docs/index.md", "docs/manual.md")
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")


def text_of(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


def group_of(application: typer.Typer) -> TyperGroup:
    group = typer.main.get_command(application)
    assert isinstance(group, TyperGroup)
    return group


def commands(application: typer.Typer) -> dict[str, TyperCommand]:
    """The commands that `--help` lists."""
    return {
        name: command
        for name, command in group_of(application).commands.items()
        if isinstance(command, TyperCommand) and not command.hidden
    }


def flags(command: TyperCommand | TyperGroup) -> set[str]:
    """Long options of a command, `--help` excepted."""
    options = (parameter for parameter in command.params if isinstance(parameter, TyperOption))
    return {name for option in options for name in option.opts if name.startswith("--")}


AUTOML = commands(app)
BENCHMARKS = commands(benchmarks_app)
ROOT_FLAGS = flags(group_of(app))
AUTOML_FLAGS = {"--help"} | ROOT_FLAGS | {flag for command in AUTOML.values() for flag in flags(command)}


# -- links ----------------------------------------------------------------------------------------


def links(text: str) -> list[str]:
    """Targets of Markdown links and pictures, also of those by reference."""
    inline = re.findall(r"\]\(([^)\s]+)\)", text)
    return inline + re.findall(r"^\[[^\]]+\]: (\S+)$", text, flags=re.MULTILINE)


def local_path(document: str, link: str) -> tuple[Path, str] | None:
    """File and anchor of a link into this repository; None for one that leads elsewhere."""
    target, _, anchor = link.partition("#")
    if target.startswith(REPOSITORY):
        place = re.fullmatch(r"(?:blob|tree|raw)/main/(.+)", target.removeprefix(REPOSITORY))
        return (ROOT / place[1], anchor) if place is not None else None
    if re.match(r"[a-z]+:", target):
        return None
    return ((ROOT / document).parent / target if target else ROOT / document), anchor


def anchors(text: str) -> set[str]:
    """Anchors of the headings of a document."""
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower()) for heading in headings}


def dead_links(document: str, text: str) -> list[str]:
    """Links into this repository whose file or heading is missing, and references without a target."""
    targets = set(re.findall(r"^\[([^\]]+)\]: ", text, flags=re.MULTILINE))
    dead = [reference for reference in re.findall(r"\]\[([^\]]+)\]", text) if reference not in targets]
    for link in links(text):
        place = local_path(document, link)
        if place is None:
            continue
        file, anchor = place
        if not file.exists() or (anchor and anchor not in anchors(file.read_text(encoding="utf-8"))):
            dead.append(link)
    return dead


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_leads_to_a_file_and_a_heading(document: str) -> None:
    assert dead_links(document, text_of(document)) == []


@pytest.mark.parametrize(
    "link", ["docs/nothing.md", "docs/manual.md#nothing", "#nothing", f"{REPOSITORY}blob/main/nothing.py"]
)
def test_the_check_sees_a_dead_link(link: str) -> None:
    assert dead_links("README.md", f"[a]({link})\n") == [link]
    assert dead_links("README.md", f"[a][b]\n\n[b]: {link}\n") == [link]


def test_the_check_sees_a_reference_without_a_target() -> None:
    assert dead_links("README.md", "[a][b]\n") == ["b"]


def test_the_readme_is_short() -> None:
    assert len(text_of("README.md").splitlines()) <= LONGEST_README


def test_the_links_of_the_readme_work_on_a_package_index() -> None:
    assert [link for link in links(text_of("README.md")) if not link.startswith("https://")] == []


def test_every_page_is_in_the_navigation() -> None:
    navigation = yaml.safe_load(text_of("mkdocs.yml"))["nav"]
    pages = {target for entry in navigation for target in entry.values() if not target.startswith("https://")}
    assert pages == {file.name for file in (ROOT / "docs").glob("*.md")}


# -- commands and flags ---------------------------------------------------------------------------


@dataclass(frozen=True)
class CommandLine:
    """A command line in a code block of a document."""

    application: str  # "automl" or "benchmarks"
    words: tuple[str, ...]


def command_lines(text: str) -> Iterator[CommandLine]:
    """Command lines of our programs in the indented code blocks of a document."""
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        match = re.match(r" {4}(?:\S*/)?(?:(automl)|python -m (benchmarks)) (?=\S)(.*)", line)
        if match is not None:
            yield CommandLine(match[1] or match[2], tuple(shlex.split(match[3], comments=True)))


def problem(line: CommandLine) -> str:
    """Reason why a program refuses a command line; empty where it accepts it."""
    known = AUTOML if line.application == "automl" else BENCHMARKS
    name, *arguments = line.words
    if name.startswith("-"):
        return "" if name in ROOT_FLAGS | {"--help"} else f"unknown option {name}"
    if name not in known:
        return f"unknown command {name}"
    try:
        context = known[name].make_context(name, arguments)
    except Exception as error:
        if not hasattr(error, "format_message"):  # of click, which typer may bring along under another name
            raise
        return str(error.format_message())
    required = ("data", "budget") if (line.application, name) == ("automl", "search") else ()
    return ", ".join(f"without --{option}" for option in required if not context.params[option])


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_line_is_accepted(document: str) -> None:
    problems = {line: problem(line) for line in command_lines(text_of(document))}
    assert {line.words: reason for line, reason in problems.items() if reason} == {}


def test_the_documents_have_command_lines_of_both_programs() -> None:
    lines = [line for document in DOCUMENTS for line in command_lines(text_of(document))]
    assert {line.application for line in lines} == {"automl", "benchmarks"}


@pytest.mark.parametrize(
    "line",
    [
        "automl serach --data a --budget 1h",
        "automl search --data a",
        "automl search --data a --budget 1h --ephocs 3",
        "python -m benchmarks real --data a --weights b --budget 1h",
    ],
)
def test_the_check_sees_a_command_line_that_is_refused(line: str) -> None:
    (parsed,) = command_lines(f"Text:\n\n    {line}\n")
    assert problem(parsed)


def test_the_table_of_the_readme_has_every_command() -> None:
    rows = re.findall(r"^\| `automl ([a-z-]+)", text_of("README.md"), flags=re.MULTILINE)
    assert rows
    assert sorted(rows) == sorted(AUTOML)


@pytest.mark.parametrize("document", USER_DOCUMENTS)
def test_every_command_and_flag_of_the_documents_exists(document: str) -> None:
    text = text_of(document)
    assert set(re.findall(r"`automl ([a-z][a-z-]*)", text)) - set(AUTOML) == set()
    assert set(FLAG.findall(text)) - AUTOML_FLAGS == set()


@pytest.mark.parametrize("name", AUTOML)
def test_the_manual_has_every_command_and_its_flags(name: str) -> None:
    manual = text_of("docs/manual.md")
    assert f"automl {name}" in manual
    assert flags(AUTOML[name]) - set(FLAG.findall(manual)) == set()


def test_flags_are_read_whole() -> None:
    assert FLAG.findall("`--json-events FILE`, `-q`, -- and a--b") == ["--json-events"]


# -- what is generated, and the tables of CONTRIBUTING --------------------------------------------


def test_the_api_page_names_what_exists() -> None:
    names = re.findall(r"^::: (\S+)$", text_of("docs/api.md"), flags=re.MULTILINE)
    assert "automl" in names
    for name in names:
        module, _, attribute = name.rpartition(".")
        if attribute[:1].isupper():
            assert hasattr(importlib.import_module(module), attribute), name
        else:
            importlib.import_module(name)


def table(document: str, header: str) -> list[list[str]]:
    """Cells of the rows of the table that has this header."""
    _, _, rest = text_of(document).partition(f"{header}\n")
    rows = re.match(r"(?:\|.*\n)+", rest)
    assert rows is not None, f"{document} has no table {header}"
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[0].splitlines()[1:]]


def test_contributing_has_the_floors() -> None:
    rows = table("CONTRIBUTING.md", "| floor | packages |")
    floors = {int(floor): frozenset(re.findall(r"`(\w+)`", packages)) for floor, packages in rows}
    assert floors == dict(enumerate(FLOORS, start=1))


def test_contributing_names_every_package_and_folder() -> None:
    rows = table("CONTRIBUTING.md", "| folder | contents |")
    names = {name for cells in rows for name in re.findall(r"`([\w./]+)`", cells[0])}
    assert [name for name in names if not (ROOT / name).exists()] == []
    packages = {f"automl/{file.parent.name}/" for file in (ROOT / "automl").glob("*/__init__.py")}
    assert packages | {"dashboards/", "benchmarks/"} <= names


def test_contributing_names_every_marker() -> None:
    markers = tomllib.loads(text_of("pyproject.toml"))["tool"]["pytest"]["ini_options"]["markers"]
    rows = table("CONTRIBUTING.md", "| marker | the test |")
    assert {cells[0].strip("`") for cells in rows} == {marker.partition(":")[0] for marker in markers}
