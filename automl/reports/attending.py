"""Attendance at a running study until it ends."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from automl.errors import BadStore
from automl.records import Listener, Notice, StudyRow
from automl.reports.following import Follower
from automl.reports.life import suspended_words
from automl.reports.report import is_alive
from automl.store import read

if TYPE_CHECKING:
    from sqlalchemy import Engine

PAUSE_S = 1.0


def attend(engine: Engine, study: StudyRow, listener: Listener) -> StudyRow:
    """Tell the listener what the study does, until its session or its process ends; its row then."""
    follower, said = Follower(engine, study.name), ""
    for notice in follower.first(study):
        listener(notice)
    while is_alive(study):
        time.sleep(PAUSE_S)
        try:
            study = read.study(engine, study.name)
            for notice in follower.look(study):
                listener(notice)
            words = suspended_words(study)
        except BadStore as error:  # it may come back; the study waits for it too
            words = str(error)
        if words and words != said:
            listener(Notice(kind="note", at=study.wall_s, values={"text": words}))
        said = words
    return study
