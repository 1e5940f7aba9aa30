"""The report on a study as one HTML file that needs no network: charts, pictures and styles are inside."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from automl import __version__
from automl.figures import format_cost, moment, score
from automl.files.discreet import discreet
from automl.files.shell import quoted
from automl.records import DataReport, Severity, StudyState, TrialRow, TrialState
from automl.records.ensemble import EnsembleResult
from automl.reports import board, data_words
from automl.reports.card import Change, Line, largest_changes, lines_of_recipe
from automl.reports.chart import Chart
from automl.reports.chart_svg import svg, variables
from automl.reports.glance import headline
from automl.reports.study_content import TOP, StudyContent
from automl.reports.study_quality import Measured
from automl.scores.leaderboard import changed
from automl.scores.words import score_definition
from automl.space import SearchSpace

MARK = "<!DOCTYPE html>\n<!-- automl report -->"  # beginning of every file that is written here
MOST_BYTES = 3_300_000  # of all pictures together; a third more as text
FINDINGS = 12  # that are shown
PLACES = 3  # of a finding
CLASSES = 60  # of a table
CHANGES = 40  # parameters of the recipe's table
CHANGED = 5  # parameters of a row of the leaderboard
_TEMPLATE = "study_report.html.jinja"
_LONGEST = 60_000  # characters of a recipe


@dataclass(frozen=True, kw_only=True)
class Photo:
    """A picture of images, as a file."""

    key: str  # name of its file, with the suffix
    title: str
    look_for: str
    alt: str
    content: bytes

    @property
    def kind(self) -> str:
        """Kind of the content."""
        return "image/png" if self.key.endswith(".png") else "image/jpeg"


@dataclass(frozen=True, kw_only=True)
class StudyPage:
    """The content of a study's report with everything that was drawn and written for it."""

    content: StudyContent
    charts: Mapping[str, Chart] = field(default_factory=dict)
    networks: tuple[Measured, ...] = ()  # measured by their predictions on val
    photos: tuple[Photo, ...] = ()
    recipes: Mapping[str, str] = field(default_factory=dict)  # texts by file name
    recipe_words: str = ""  # sentence in the place of recipes
    environment: tuple[Line, ...] = ()
    missing: tuple[str, ...] = ()  # sentences on what could not be shown
    further: tuple[tuple[str, str], ...] = ()  # purpose and command of what could be added
    at: float = 0.0  # POSIX seconds

    def photo(self, prefix: str) -> list[Photo]:
        """Pictures whose key begins so."""
        return [photo for photo in self.photos if photo.key.startswith(prefix)]


def html_of(page: StudyPage) -> str:
    """The report as an HTML page."""
    content = page.content
    template = _environment().get_template(_TEMPLATE)
    return template.render(
        mark=Markup(MARK),
        page=page,
        content=content,
        study=content.study,
        headline=headline(content.progress),
        running=content.study.state is StudyState.RUNNING and content.progress.alive,
        card=lines_of_recipe(content.progress),
        colours=variables(),
        chart=lambda key: _figure(page.charts.get(key)),
        results=[key for key in page.charts if key.startswith("losses-") or key == "precision-recall-by-epoch"],
        quality_charts=[key for key in page.charts if key.startswith("quality-")],
        confusions=[key for key in page.charts if key.startswith("confusion-")],
        board=_board(content),
        board_words=_board_words(content),
        definition=score_definition(content.study.spec.epochs),
        changes=changes_of(content),
        data=None if content.data is None else content.data.report,
        findings=[] if content.data is None else _findings(content.data.report),
        places=PLACES,
        severity=Severity,
        photo=_Embedded(),
        classes=CLASSES,
        recipes={name: _cut(text) for name, text in page.recipes.items()},
        combination=combination_text,
        words=data_words,
        score=score,
        signed=lambda value: "" if value is None else f"{value:+.3f}",
        percent=lambda value: "" if value is None else f"{value:.0%}",
        number=_number,
        cost=lambda slot_s, device: format_cost(slot_s, device),
        date=moment(page.at),
        version=__version__,
        command=quoted("automl", "report", content.study.name, "-o", "report.html"),
    )


class _Embedded:
    """Pictures as parts of the page, as long as the page stays small enough to be mailed."""

    def __init__(self) -> None:
        self._left = MOST_BYTES

    def __call__(self, photo: Photo) -> str:
        """Address of a picture's content; empty where it is left out."""
        if len(photo.content) > self._left:
            return ""
        self._left -= len(photo.content)
        return f"data:{photo.kind};base64,{base64.b64encode(photo.content).decode('ascii')}"


def _figure(chart: Chart | None) -> Markup:
    if chart is None:
        return Markup("")
    note = Markup('<p class="soft">{}</p>').format(chart.note) if chart.note else Markup("")
    return Markup('<figure class="card"><figcaption>{}</figcaption>{}{}</figure>').format(chart.title, svg(chart), note)


def _board(content: StudyContent) -> tuple[list[str], list[tuple[TrialRow, list[str]]]]:
    """Headings and rows of the leaderboard, with the parameters in which trials differ from the defaults."""
    progress = content.progress
    hidden = {"mAP50"} if any(progress.estimate(row) for row in content.board) else {"mAP50", board.CONFIRMED}
    headings = [heading for heading in board.headings(progress) if heading not in hidden]
    rows = []
    for row in content.board:
        cells = board.cells(row, progress)
        rows.append((row, [*(cells[heading] for heading in headings), _differences(row, content)]))
    return [*headings, "changed most"], rows


def _differences(row: TrialRow, content: StudyContent) -> str:
    if row.number == 0:
        return ""
    baseline, space = content.progress.baseline, SearchSpace.from_document(content.study.spec.space)
    before = {**content.study.spec.fixed, **({} if baseline is None else baseline.params)}
    shown = largest_changes(row.params, before, space, most=CHANGED)
    rest = len(changed(row, baseline)) - len(shown)
    text = ", ".join(change.text for change in shown)
    return f"{text} and {rest} more" if rest > 0 and text else text


def _board_words(content: StudyContent) -> str:
    """Sentence on the trials that are left out; empty where all are there."""
    ranked = sum(
        point.score is not None and point.repeats is None and point.state is not TrialState.FAILED
        for point in content.progress.points
    )
    if ranked <= len(content.board):
        return ""
    return f" The best {TOP} of {ranked:,} trials are here, and those that were trained again; the rest is left out."


def changes_of(content: StudyContent) -> list[Change]:
    """Parameters of the best recipe found beside those of the defaults, those that moved farthest first."""
    if len(content.trainings) < 2:
        return []
    defaults, found = content.trainings[0].searched, content.trainings[1].searched
    space = SearchSpace.from_document(content.study.spec.space)
    return largest_changes(found.params, {**content.study.spec.fixed, **defaults.params}, space, most=CHANGES)


def _findings(report: DataReport) -> list[tuple[Severity, str, str, list[str], str]]:
    """The worst findings: severity, title, advice, first places, and words for the rest."""
    return [
        (
            finding.severity,
            finding.title,
            finding.advice,
            [data_words.place_text(place) for place in finding.places[:PLACES]],
            data_words.more_text(finding, PLACES),
        )
        for finding in report.findings[:FINDINGS]
    ]


def combination_text(result: EnsembleResult) -> str:
    """Members of an ensemble or a soup in words."""
    members = [
        f"trial {member.trial} of {member.study} ({member.model}@{member.imgsz}"
        f"{', TTA' if member.tta else ''}, weight {member.weight:.3g})"
        for member in result.chosen.members
    ]
    return "; ".join(members)


def _number(value: float | None, digits: int = 1) -> str:
    return "" if value is None or not math.isfinite(value) else f"{value:,.{digits}f}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}\n# ... cut: the whole recipe is in the zip file"


def _environment() -> Environment:
    """Templates of this folder. Every value is escaped, and shows no home folder: names come from strangers."""
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _printable(value: object) -> object:
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    lines = value.split("\n")
    return "\n".join(data_words.clean(discreet(line)) for line in lines)
