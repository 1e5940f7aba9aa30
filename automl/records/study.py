"""Records of one study: its spec, its end, and the measurements before it began."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any, NamedTuple, Self

from automl.records.trial import Params

PRODUCTION_EPOCHS = 300  # length of a production training, by Ultralytics' "Tips for Best YOLOv5 Training Results"

# Full trainings of the defaults that a budget pays, by which a study decides what else it can afford.
FEWEST_TRAININGS = 10  # below: no repeats, no known-good recipes, no other operating points
ENOUGH_TRAININGS = 20  # from here on all of them; the horizon is chosen so that the budget pays as many


class StudyState(StrEnum):
    """State of a study. RUNNING with an old heartbeat means that the study process ended unexpectedly."""

    RUNNING = "running"
    INTERRUPTED = "interrupted"
    FINISHED = "finished"
    FAILED = "failed"


class EndedBy(StrEnum):
    """Cause of the end of a session. Programs decide by it; the sentence beside it is for people."""

    BUDGET = "budget"  # the budget, or the search's share of it, is spent
    TARGET = "target"  # the winner reached the score that the user asked for
    EARLY = "early"  # the rest of the budget promises too little
    EXHAUSTED = "exhausted"  # everything in the space was tried
    CONFIRMED = "confirmed"  # further seeds after the end have decided, or are all trained
    FAILURE = "failure"  # the baseline, or many trials in a row, failed
    USER = "user"  # Ctrl-C or a signal
    STOP = "stop"  # `automl stop`
    DISK = "disk"  # full, nearly full, or gone
    DATA = "data"  # changed since the study began
    ERROR = "error"  # an error of the study process


class Ending(NamedTuple):
    """An end with its sentence."""

    by: EndedBy
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Slots:
    """Places for trials side by side; one trial holds one slot."""

    count: int
    device: str  # "gpu" or "cpu", the unit of slot-seconds
    devices: tuple[str, ...] = ()  # CUDA indices to use; empty: any
    threads: int = 1  # CPU threads of one slot


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """Measurements of the trainer before the study began."""

    defaults: Params  # every argument of a run in which the user changes nothing, explicit
    fitted: int | None  # tensors of the weights file that fitted; None without a weights file
    tensors: int  # tensors of the network
    parameters: int
    train_images: int
    val_images: int
    train_s: float  # seconds of one epoch's training, extrapolated from a few steps
    val_s: float
    startup_s: float  # seconds from the call to the first step
    memory_bytes: int  # high-water mark of the GPU, or of the process where there is none
    versions: Mapping[str, str]
    memory_total_bytes: int = 0  # of the GPU, or of the machine; 0: unknown
    latency_s: float = 0.0  # seconds of one image's way through the fused network, alone; 0: not measured
    gflops: float = 0.0  # of one image; 0: not measured
    horizon: int = 0  # epochs for which `defaults` were resolved
    switch_epochs: int | None = None  # beyond so many epochs `optimizer=auto` stands for another optimizer
    elsewhere: Params = field(default_factory=dict)  # the defaults on the other side of that horizon

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """The record that `asdict` wrote; keys of a newer version are ignored."""
        known = {f.name for f in fields(cls)}
        return cls(**{key: value for key, value in document.items() if key in known})

    def defaults_at(self, epochs: int) -> Params:
        """`defaults` for a horizon of so many epochs."""
        switch = self.switch_epochs
        return self.defaults if switch is None or (epochs > switch) == (self.horizon > switch) else self.elsewhere

    @property
    def epoch_s(self) -> float:
        """Seconds of one epoch with its validation."""
        return self.train_s + self.val_s


class Start(NamedTuple):
    """A trial that runs before the sampler proposes any."""

    origin: str  # "defaults", "scratch-low", "warm:hyp.yaml" ...
    params: Params


class EarlierTraining(NamedTuple):
    """A training of an earlier study from which the sampler learns."""

    source: str
    params: Params
    score: float  # mAP50-95 at the horizon
    epochs: int  # trained


class PointCost(NamedTuple):
    """Price of one operating point."""

    name: str  # "model@imgsz"
    epoch_s: float  # slot-seconds of an epoch of the defaults, as probed


class LongDefaults(NamedTuple):
    """The defaults of trainings that are longer than a number of epochs, where `optimizer=auto` switches."""

    beyond_epochs: int
    params: Params


class VariantWeights(NamedTuple):
    """Weights file with which the trainings of one model variant start."""

    model: str
    path: str  # absolute
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Confirming:
    """Further seeds of the best recipe found and of the defaults, after the end of a study."""

    seeds: int  # most further ones of each side
    budgets: tuple[str, ...]  # for them alone, as the user wrote it; empty: no limit but the seeds
    trials: int  # trials of the study that had begun before
    slot_s: float  # slot-seconds that the study had cost before
    wall_s: float  # wall seconds that the study had taken before
    reason: str  # sentence on the end of the search

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """The record that `asdict` wrote; keys of a newer version are ignored."""
        known = {f.name for f in fields(cls)}
        values = {key: value for key, value in document.items() if key in known}
        return cls(**{**values, "budgets": tuple(values["budgets"])})


@dataclass(frozen=True, kw_only=True)
class StudySpec:
    """Everything that fixes a search: with the same spec and history it asks the same questions."""

    name: str
    data: str  # absolute path of the data.yaml
    data_fingerprint: str
    trainer: str
    models: tuple[str, ...]
    imgsz: tuple[int, ...]
    weights: str | None  # of the baseline; of every variant where `weights_of` is empty
    weights_sha256: str | None
    space: Mapping[str, Any]  # document of the search space, as in configs/spaces/*.yaml
    sampler: str
    seed: int
    epochs: int  # the horizon
    rungs: tuple[int, ...]  # epochs at which trials are compared, without the horizon
    budgets: tuple[str, ...]  # as the user wrote them
    slots: Slots
    fixed: Params  # arguments that every trial gets
    given: tuple[Start, ...]  # the trials that run first
    probe_s: float  # slot-seconds that the probe took
    epoch_s: float  # seconds of one epoch of the baseline, as probed
    versions: Mapping[str, str]
    directory: str  # where logs, snapshots and weights of the trials lie
    home: str = ""  # home folder at which the study's row was written last; empty in rows of earlier versions
    key: str = ""  # of the study, which marks its folder; empty for a folder without a mark
    parameters: int = 0  # of the baseline's network
    warm: tuple[EarlierTraining, ...] = ()
    holdout: float = 0.0  # share of val that was held back from the search
    unseen: str = ""  # images for the final evaluation: "test", "holdout" or none
    reported: bool = False  # True: "test" is measured too, beside a holdout that may decide
    unseen_s: float = 0.0  # seconds of measuring the baseline on all of them, as probed
    points: tuple[PointCost, ...] = ()  # of trials 0, 1 ...; empty where there is one point
    target: float | None = None  # mAP50-95 that is enough
    plan: Mapping[str, Any] = field(default_factory=dict)  # document of plan.Plan; empty in studies without one
    confirm: int = 3  # best trials that are repeated with other seeds, beside the defaults
    early_end: bool = False  # True: end the search when the rest of the budget promises too little
    reserve_trials: int = 0  # repeats that the reserve holds
    reserve_s: float = 0.0  # their expected slot-seconds
    measuring_s: float = 0.0  # seconds that the reserve holds for measuring on unseen images
    train: int = 0  # epochs of the production trainings; 0: none beside the search's own
    compare: bool = False  # True: the defaults are trained for production too, as measure of the winner
    defaults_alone: str = ""  # reason for which nothing but the defaults is trained; empty: a search
    beyond: tuple[LongDefaults, ...] = ()  # of trials 0, 1 ... at a longer horizon
    weights_of: tuple[VariantWeights, ...] = ()  # a variant that is left out starts from scratch
    confirming: Confirming | None = None  # set once a finished study is confirmed: nothing is searched any more

    def __repr__(self) -> str:
        sizes = ", ".join(map(str, self.imgsz))
        what = f"{', '.join(self.models)} at {sizes} px, {self.epochs} epochs, {' / '.join(self.budgets)}"
        return f"<StudySpec '{self.name}': {what}, data {self.data}>"

    def to_dict(self) -> dict[str, Any]:
        """The spec as plain containers for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """The spec that `to_dict` wrote; keys of a newer version are ignored."""
        known = {f.name for f in fields(cls)}
        values = {key: value for key, value in document.items() if key in known}
        values["slots"] = Slots(**{**values["slots"], "devices": tuple(values["slots"]["devices"])})
        for key in ("models", "imgsz", "rungs", "budgets"):
            values[key] = tuple(values[key])
        values["given"] = tuple(Start(*start) for start in values["given"])
        values["warm"] = tuple(EarlierTraining(*training) for training in values.get("warm", ()))
        values["points"] = tuple(PointCost(*point) for point in values.get("points", ()))
        values["weights_of"] = tuple(VariantWeights(*weights) for weights in values.get("weights_of", ()))
        values["beyond"] = tuple(LongDefaults(*defaults) for defaults in values.get("beyond", ()))
        if values.get("confirming") is not None:
            values["confirming"] = Confirming.from_dict(values["confirming"])
        return cls(**values)


def weights_for(spec: StudySpec, model: str) -> VariantWeights | None:
    """The weights file with which trainings of that model start; None from scratch."""
    if spec.weights_of:
        return next((weights for weights in spec.weights_of if weights.model == model), None)
    if spec.weights is None:
        return None
    return VariantWeights(model=model, path=spec.weights, sha256=spec.weights_sha256 or "")


def model_of(spec: StudySpec, params: Params) -> str:
    """The model of a trial with these parameters; empty for a trainer without models."""
    return str({**spec.fixed, **params}.get("model", ""))
