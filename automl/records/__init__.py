"""Frozen records that travel between packages. Units are in the names."""

from automl.records.notice import (
    Listener,
    Notice,
)
from automl.records.rows import (
    ArtifactRow,
    AttemptRow,
    Board,
    EpochRow,
    EvaluationRow,
    EventRow,
    Heartbeat,
    StudyRow,
    TrialPage,
    TrialPoint,
    TrialRow,
)
from automl.records.study import (
    Prepared,
    Slots,
    StudySpec,
    StudyState,
)
from automl.records.trial import (
    EpochMetrics,
    Outcome,
    Params,
    ParamValue,
    Purpose,
    SplitMetrics,
    TrainJob,
    Trial,
    TrialState,
)

__all__ = [
    "ArtifactRow",
    "AttemptRow",
    "Board",
    "EpochMetrics",
    "EpochRow",
    "EvaluationRow",
    "EventRow",
    "Heartbeat",
    "Listener",
    "Notice",
    "Outcome",
    "ParamValue",
    "Params",
    "Prepared",
    "Purpose",
    "Slots",
    "SplitMetrics",
    "StudyRow",
    "StudySpec",
    "StudyState",
    "TrainJob",
    "Trial",
    "TrialPage",
    "TrialPoint",
    "TrialRow",
    "TrialState",
]
