"""Results about trained networks as they are kept with a study: made ones, for the page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image
from sqlalchemy import Engine

from automl.files import folders
from automl.records.diagnosis import Diagnosis, Symptom
from automl.records.document import DocumentKind
from automl.records.ensemble import ClassFigures, Combination, CombinationKind, EnsembleResult, Member, SplitFigures
from automl.records.latency import Latency
from automl.records.verification import Verification
from automl.store import documents

CHOSE, OTHER = "half of val that chose", "other half of val"
AT = 1_790_000_900.0


def make_latency(name: str, trial: int | None, median_ms: float, **changes: Any) -> Latency:
    plain = Latency(
        name=name,
        trial=trial,
        sha256="0",
        engine="torch",
        precision="fp32",
        model="yolov5n",
        imgsz=160,
        device="AMD EPYC",
        threads=2,
        median_ms=median_ms,
        p95_ms=1.3 * median_ms,
        pre_ms=0.4,
        network_ms=median_ms - 1.0,
        post_ms=0.6,
        memory_bytes=240 << 20,
        repeats=60,
        at=AT,
    )
    return replace(plain, **changes)


def make_member(trial: int, weight: float = 1.0, **changes: Any) -> Member:
    weights = f"trials/{trial:05d}/best.pt"
    plain = Member(study="birds", trial=trial, model="yolov5n", imgsz=160, weights=weights, sha256="0", weight=weight)
    return replace(plain, **{"map50_95": 0.44 + trial / 1000, **changes})


def make_figures(score: float, gain: float | None = None) -> tuple[SplitFigures, ...]:
    """Figures on both halves of val and on test, with classes on those that chose nothing."""
    rows = []
    for on, images, less in ((CHOSE, 44, -0.01), (OTHER, 43, 0.0), ("test", 72, 0.005)):
        classes = (
            ClassFigures(name="robin", objects=120, map50_95=score + 0.1, map50=0.9, gain=gain),
            ClassFigures(
                name="wren *", objects=31, map50_95=score - 0.1, map50=0.6, gain=None if gain is None else -gain
            ),
        )
        chance = None if gain is None else 0.87
        row = SplitFigures(on=on, images=images, map50_95=score - less, map50=score + 0.3, low=score - 0.03)
        row = replace(row, high=score + 0.03, gain=gain, chance=chance, classes=() if on == CHOSE else classes)
        rows.append(row if gain is None else replace(row, gain_low=gain - 0.02, gain_high=gain + 0.02))
    return tuple(rows)


def make_way(
    kind: CombinationKind, *members: Member, score: float, ms: float, gain: float | None = None
) -> Combination:
    latency = make_latency("way", None, ms)
    return Combination(kind=kind, members=members, figures=make_figures(score, gain), latency=latency)


def make_ensemble(**changes: Any) -> EnsembleResult:
    """An ensemble of three trials, one of them with TTA, and the ways it was compared with."""
    single, tta, several = CombinationKind.SINGLE, CombinationKind.TTA, CombinationKind.ENSEMBLE
    members = (make_member(3, 2.0), make_member(6), make_member(9, tta=True))
    best = make_way(single, make_member(3), score=0.446, ms=8.0)
    pair = make_way(several, *members[:2], score=0.452, ms=15.5, gain=0.006)
    plain = EnsembleResult(
        study="birds",
        chosen=make_way(several, *members, score=0.461, ms=38.0, gain=0.015),
        best_member=best,
        front=(best, pair),
        others=(
            make_way(single, make_member(6), score=0.44, ms=8.1),
            make_way(tta, make_member(9, tta=True), score=0.45, ms=22.0),
        ),
        candidates=20,
        notes=("Trial 12 was left out: its weights were deleted.",),
        slot_s=40.0,
        at=AT,
    )
    return replace(plain, **changes)


def make_soup(**changes: Any) -> EnsembleResult:
    """A soup of two trials that gains next to nothing."""
    best = make_way(CombinationKind.SINGLE, make_member(3), score=0.446, ms=8.0)
    members = (make_member(3, 0.5), make_member(6, 0.5))
    soup = make_way(CombinationKind.SOUP, *members, score=0.447, ms=8.0, gain=0.001)
    return replace(EnsembleResult(study="birds", chosen=soup, best_member=best, front=(soup,), at=AT - 60), **changes)


def make_verification(**changes: Any) -> Verification:
    plain = Verification(
        recipe="trial 3 of study 'birds'",
        epochs=12,
        promised=0.498,
        low=0.47,
        high=0.52,
        scores=(0.491, 0.502),
        seeds=(3, 4),
        holds=True,
        sentence="trial 3 of study 'birds': 2 further trainings scored 0.4910, 0.5020; the figure of 0.4980 holds.",
        slot_s=1440.0,
        at=AT,
        study="birds",
        trial=3,
    )
    return replace(plain, **changes)


def make_diagnosis(trial: int, symptom: Symptom = Symptom.OVERFITS, **changes: Any) -> Diagnosis:
    plain = Diagnosis(
        trial=trial,
        symptom=symptom,
        sentence="train/box_loss fell by 31 % after epoch 6, val/box_loss rose by 9 %.",
        remedy="More augmentation, such as a higher mixup, or fewer epochs.",
        confidence=0.87,
        epoch=6,
    )
    return replace(plain, **changes)


def keep_results(engine: Engine, study: str) -> None:
    """Keep an ensemble, a soup, latencies, verifications and diagnoses with a study."""
    documents.keep(engine, study, DocumentKind.ENSEMBLE, "ensemble", make_ensemble())
    documents.keep(engine, study, DocumentKind.SOUP, "soup", make_soup())
    for trial, ms in ((0, 8.4), (3, 8.0), (6, 11.0)):
        documents.keep(engine, study, DocumentKind.LATENCY, f"{trial}", make_latency(f"trial {trial}", trial, ms))
    onnx = make_latency("trial 3", 3, 5.1, engine="onnx", map50_95=0.51)
    documents.keep(engine, study, DocumentKind.LATENCY, "onnx", onnx)
    documents.keep(engine, study, DocumentKind.VERIFICATION, "first", make_verification())


def draw_ensemble_pictures(study: Path, name: str, count: int = 2) -> list[Path]:
    """Pictures of an ensemble in the study's folder."""
    folder = folders.ensembles(study) / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{name}-{number:02}.jpg" for number in range(1, count + 1)]
    for file in files:
        Image.linear_gradient("L").resize((240, 100)).save(file)
    return files
