"""The report on a data set as one HTML file that needs no network: its pictures and styles are inside."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from automl.figures import moment
from automl.records import Finding, Severity
from automl.reports import data_words as words
from automl.reports.data_report import KeptReport

MARK = "<!DOCTYPE html>\n<!-- automl check -->"  # beginning of every file that is written here
MOST_BYTES = 5_500_000  # of all pictures together; a third more as text
PLACES = 25  # of a finding
CLASSES = 100  # of the table
SUSPECTS = 60
_TEMPLATE = "data_report.html.jinja"
_KINDS = {".jpg": "image/jpeg", ".png": "image/png"}


@dataclass(frozen=True)
class Picture:
    """A picture as the template shows it."""

    alt: str
    address: str = ""  # of its content; empty if it is not in the file
    missing: str = ""  # why, as a sentence


class Pictures:
    """Pictures of a report as parts of the page, as long as the page stays small enough to be mailed."""

    def __init__(self, report: KeptReport) -> None:
        self._report = report
        self._left = MOST_BYTES

    def __call__(self, name: str, alt: str) -> Picture:
        """The picture of that name."""
        file = self._report.picture(name)
        kind = _KINDS.get(file.suffix.lower())
        try:
            content = file.read_bytes() if kind is not None else b""
        except OSError:
            content = b""
        if not content:
            return Picture(alt, missing="This picture could not be read.")
        if len(content) > self._left:
            return Picture(alt, missing=f"Left out to keep this file small: {file.name} in the folder of the report.")
        self._left -= len(content)
        return Picture(alt, address=f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}")


def html_of(report: KeptReport, data: str) -> str:
    """The report as an HTML page.

    data  the words that name the data set on a command line
    """
    pictures = Pictures(report)
    plots = [(words.caption(key), pictures(name, words.caption(key).alt)) for key, name in report.plots.items()]
    head, rows = words.splits_table(report)
    page = _environment().get_template(_TEMPLATE)
    return page.render(
        mark=Markup(MARK),
        report=report,
        title=words.title(report),
        verdict=words.verdict(report),
        first=words.first_step(report),
        worst=_worst(report),
        head=head,
        rows=rows,
        sections=[(severity, report.of(severity)) for severity in Severity if report.of(severity)],
        plots=plots,
        classes=words.classes_table(report, CLASSES),
        suspects=report.suspects[:SUSPECTS],
        further=words.further(report),
        commands=list(words.next_commands(report, data, page=True)),
        date=moment(report.at),
        places=PLACES,
        words=words,
        pictures=pictures,
        alt=_alt,
        name=lambda kind: report.names[kind] if kind is not None and kind < len(report.names) else str(kind),
    )


def _worst(report: KeptReport) -> str:
    """The most severe kind of finding, as a class of the style sheet; "good" without any."""
    kinds: Sequence[Severity] = [finding.severity for finding in report.findings]
    worst = next((severity for severity in (Severity.ERROR, Severity.WARNING) if severity in kinds), None)
    return "good" if worst is None else worst.value


def _alt(finding: Finding) -> str:
    return f"Images of the first places in the list: {words.in_short(finding)}. What is meant has a red box."


def _environment() -> Environment:
    """Templates of this folder. Every value is escaped: names of files and classes come from strangers."""
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _printable(value: object) -> object:
    return words.clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value
