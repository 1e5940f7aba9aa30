"""Opening of a study: from a request to its spec, its folder and its cluster, and taking one up that exists."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from automl.data.dataset import write_resolved
from automl.data.manifest import record_files
from automl.errors import AutoMLError, BadStore
from automl.files import disk, folders, moved
from automl.files.home import home_folder
from automl.host.shortage import in_words
from automl.records import DataReport, Listener, Notice, Slots, StudyRow, StudySpec
from automl.reports import life, report
from automl.reports.report import StudyReport
from automl.setup import first_look, request
from automl.setup.claim import Claim, claim_folder
from automl.setup.managing import check_not_running
from automl.setup.options import SearchRequest
from automl.setup.probing import Probing
from automl.setup.request import Checked
from automl.setup.resumable import check_resumable, look_for_ray, slots_here, with_data
from automl.setup.spellings import Understood, understand
from automl.setup.trusting import trusting
from automl.setup.warm import with_earlier
from automl.store import checks, read, write
from automl.store.address import command, db_words, store_url
from automl.store.beat import beating
from automl.store.engine import open_store, risk
from automl.store.release import released
from automl.store.replay import replay

if TYPE_CHECKING:
    from sqlalchemy import Engine


@dataclass
class Compiled:
    """A study with its spec, ready to begin."""

    engine: Engine
    spec: StudySpec
    ready: Callable[[], None]  # opens the cluster, unless a probe has done so
    claim: Claim
    report: DataReport | None = None  # on its data, as they were checked at the start

    def keep_report(self) -> None:
        """Keep the report on the data with the study, which has begun. A search goes on without it."""
        if self.report is not None:
            with suppress(BadStore):
                checks.keep(self.engine, self.report, study=self.spec.name)

    begun: bool = False


def unchanged(
    spec: StudySpec, data: str | Path | None, home: str | Path | None, again: str, *, trust_model: bool = False
) -> StudySpec:
    """The spec with the present places of its files.

    trust_model  True if network files that could run code are trusted

    Raises AutoMLError if the data set, the weights, the folder or the GPUs of a study have changed or are gone.
    """
    here = with_data(spec, None if data is None else Path(data), home_folder(home), again)
    return trusting(lambda: check_resumable(here), lambda error: trust_model)


def go_on(engine: Engine, row: StudyRow, spec: StudySpec, listener: Listener, db: str | None) -> StudyReport:
    """Take the study over and run it with that spec until it ends or is interrupted. Returns the report."""
    check_not_running(engine, row, db)  # before Ray begins, which takes a while
    dead = life.dead_heartbeat(engine, row)
    look_for_ray(lambda text: listener(Notice(kind="note", at=row.wall_s, values={"text": text})))
    with released(engine, row.name), _cluster(spec.slots):  # first: without one the study stays as it is
        spec = replace(spec, key=spec.key or moved.new_key())
        write.reopen_study(engine, row.name, life.mine(), dead=dead, spec=spec)
        moved.mark(Path(spec.directory), spec.key)
        return run(engine, spec, listener, db)


def run(engine: Engine, spec: StudySpec, listener: Listener, db: str | None) -> StudyReport:
    """Run the study until it ends or is interrupted. Returns the report."""
    from automl.drivers.study import run_study

    again = command("resume", spec.name, db)
    try:
        with beating(engine, spec.name):  # until the driver beats: it replays, and Ray begins slowly
            ended = run_study(engine, spec, listener=listener, resume_command=again)
    except (AutoMLError, OSError, MemoryError, RuntimeError) as error:
        if isinstance(error, AutoMLError):
            error.begun = True
            raise
        words = in_words(error)
        if words is None:
            raise
        failed = AutoMLError(f"{words}. Then go on with: {again}")
        failed.begun = True
        raise failed from error
    if ended.unstored is None:
        overview = report.report_of(engine, read.study(engine, spec.name), ended_by=ended.by)
    else:
        study, trials, waiting = ended.unstored.study, ended.unstored.trials, ended.unstored.sentence
        overview = report.report_from(study, trials, (), {}, ended_by=ended.by, waiting=waiting)
    return replace(overview, db_words=db_words(db))


def caught_up(engine: Engine, row: StudyRow, listener: Listener) -> StudyRow:
    """The study's row once the database has the rows that wait in its journal, unless its process is alive."""
    if report.is_alive(row):
        return row
    replayed = replay(engine, row)
    texts = list(replayed.notes)
    if replayed.rows:
        texts.append(f"{replayed.rows} rows of study '{row.name}' that waited in its journal were stored.")
    for text in texts:
        listener(Notice(kind="note", at=row.wall_s, values={"text": text}))
    return read.study(engine, row.name) if replayed.rows else row


@contextmanager
def compiled(
    search_request: SearchRequest, fresh: bool, home: str | Path | None, db: str | None, listener: Listener
) -> Iterator[Compiled]:
    """The study as compiled. Its folder is removed unless the study has begun."""

    def say(text: str) -> None:
        listener(Notice(kind="note", at=0.0, values={"text": text}))

    place = home_folder(home)
    understood, checked = _checked(search_request, place, say)
    search_request = understood.request
    look = first_look.look_at(checked, place, say)
    checked = replace(checked, notes=(*understood.notes, *checked.notes, *look.lines))
    engine = open_store(store_url(home, db), home=home)
    checked = replace(checked, notes=(*checked.notes, *filter(None, [risk(engine)])))
    checked = with_earlier(engine, checked)
    names = {row.name for row in read.studies(engine)}
    claim = claim_folder(names, search_request.name, search_request.data, place, db)
    directory, study = claim.folder, None
    try:
        disk.check_disk(directory, disk.SMALL, checked.slots)
        record_files(checked.dataset, write_resolved(checked.dataset, folders.data(directory)))
        if checked.reported is not None:
            record_files(checked.reported, write_resolved(checked.reported, folders.reported_data(directory)))
        for model in checked.models:
            moved.keep_network(directory, model)
        for note in checked.notes:
            say(note)
        with ExitStack() as stack:
            ready = cache(lambda: stack.enter_context(_cluster(checked.slots)))
            probing = Probing(engine, checked, directory, ready, fresh=fresh, listener=listener)
            spec = replace(probing.spec(directory.name), key=moved.new_key())
            moved.mark(directory, spec.key)
            study = Compiled(engine, spec, ready, claim, report=look.report)
            yield study
    finally:
        if study is None or not study.begun:
            claim.give_up()


def _checked(search_request: SearchRequest, place: Path, say: Callable[[str], None]) -> tuple[Understood, Checked]:
    """The request in our own words, and with every input read."""
    slots = cache(lambda text, count: slots_here(text, count, say))

    def read_all() -> tuple[Understood, Checked]:
        understood = understand(search_request, place)
        asked = understood.request
        return understood, request.check(asked, slots(asked.device, asked.slots), say, understood.weights, place)

    return trusting(read_all, lambda error: search_request.trust_model)


@contextmanager
def _cluster(slots: Slots) -> Iterator[None]:
    from automl.drivers import cluster

    with cluster.cluster(slots):
        yield


def reader(home: str | Path | None, db: str | None) -> Engine:
    """The database for a verb that reads only: no writes, no migration."""
    return open_store(store_url(home, db), create=False, read_only=True, home=home)


def writer(home: str | Path | None, db: str | None) -> Engine:
    """The database for a verb that changes a study."""
    return open_store(store_url(home, db), create=False, home=home)


def say_which(row: StudyRow, named: str | None, listener: Listener) -> None:
    """Tell the listener which study was taken where none was named."""
    if named is None:
        listener(Notice(kind="note", at=row.wall_s, values={"text": f"Study '{row.name}', the newest one that fits."}))
