"""Sentences and names of results about trained networks: ensembles, soups, diagnoses, verifications. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from automl.figures import listed
from automl.files.shell import quoted
from automl.records import StudyRow
from automl.records.diagnosis import Diagnosis
from automl.records.ensemble import Combination, CombinationKind, EnsembleResult, Member, SplitFigures
from automl.records.latency import Latency
from automl.records.verification import Verification
from automl.scores.words import chance_text

CHOOSING = "half of val that chose"  # figures on it are too good: the members were chosen by them
MIB = 1 << 20
_KINDS = {CombinationKind.SOUP: "soup", CombinationKind.ENSEMBLE: "ensemble"}


def member_name(member: Member, study: str) -> str:
    """'trial 3', 'trial 3 with TTA', 'trial 3 of cells'."""
    name = f"trial {member.trial}" if member.study == study else f"trial {member.trial} of {member.study}"
    return f"{name} with TTA" if member.tta else name


def combination_name(combination: Combination, study: str) -> str:
    """Members of a way to use networks, in words."""
    names = [member_name(member, study) for member in combination.members]
    if combination.kind is CombinationKind.SOUP:
        return f"soup of {listed(names)}"
    return " + ".join(names)


def group_of(combination: Combination) -> str:
    """Kind of a way on the Pareto front."""
    if combination.kind is CombinationKind.ENSEMBLE:
        return "pair" if len(combination.members) < 3 else "three or more"
    return {CombinationKind.TTA: "single with TTA", CombinationKind.SOUP: "soup"}.get(combination.kind, "single")


def result_name(result: EnsembleResult, when: str) -> str:
    """'Ensemble of 3, 2026-11-29 04:10'."""
    kind = _KINDS.get(result.chosen.kind, "no gain: one network")
    name = str(getattr(result, "name", ""))
    count = len(result.chosen.members)
    words = f"{kind.capitalize()} of {count}" if count > 1 else kind.capitalize()
    return ", ".join(filter(None, [words, name if name not in ("", kind) else "", when]))


def judging(combination: Combination) -> SplitFigures | None:
    """Figures on images that chose nothing, those of val first; None without any."""
    fair = [row for row in combination.figures if row.on != CHOOSING]
    return next((row for row in fair if "val" in row.on), fair[0] if fair else None)


def interval(low: float | None, high: float | None, *, sign: bool = False) -> str:
    """'[+0.001, +0.020]'; empty where it is not known."""
    if low is None or high is None:
        return ""
    return f"[{low:+.3f}, {high:+.3f}]" if sign else f"[{low:.3f}, {high:.3f}]"


def gain_words(row: SplitFigures) -> str:
    """'+0.012 [-0.004, +0.028], 87% sure'; empty without a comparison."""
    if row.gain is None:
        return ""
    chance = "" if row.chance is None else f", {chance_text(row.chance)} sure"
    return f"{row.gain:+.3f} {interval(row.gain_low, row.gain_high, sign=True)}".rstrip() + chance


def outcome(result: EnsembleResult) -> str:
    """Sentences on the result: gain on each set of images that chose nothing."""
    chosen, best = result.chosen, combination_name(result.best_member, result.study)
    rows = [row for row in chosen.figures if row.on != CHOOSING]
    if len(chosen.members) < 2:
        return f"Nothing that was tried scores above {best} alone, so that stays the best choice."
    gains = [f"{gain_words(row)} on {row.on} ({row.images} images)" for row in rows if row.gain is not None]
    name = combination_name(chosen, result.study)
    begin = f"{name[0].upper()}{name[1:]}"
    if not gains:
        return f"{begin}: it was measured on no images beside those that chose its members."
    return f"{begin}. mAP50-95 against {best}, its best member: {'; '.join(gains)}."


def cost_words(latency: Latency | None, base: Latency | None) -> str:
    """Latency of a way against that of its best member, both measured on one device."""
    if latency is None:
        return "not measured"
    if base is None or base.device != latency.device or base.median_ms <= 0:
        return f"{latency.median_ms:.1f} ms"
    return f"{latency.median_ms:.1f} ms ({latency.median_ms / base.median_ms:.1f}x)"


def none_yet(study: StudyRow) -> str:
    """Sentence for a study without an ensemble."""
    if study.spec.trainer != "ultralytics":
        return f"The trainer '{study.spec.trainer}' trains no network, so this study has nothing to combine."
    return (
        "This study has no ensemble and no soup yet. The command below chooses among its kept trials, measures gain "
        "and latency, and fills this page."
    )


def command_of(verb: str, study: StudyRow, db: str, *more: str) -> str:
    """Command line of a verb for a study. `db`: the words for the database."""
    return quoted("automl", verb, study.name, *more) + db


def diagnosis_title(diagnosis: Diagnosis) -> str:
    """'Over-fits since epoch 31 (87% sure)'."""
    since = "" if diagnosis.epoch is None else f" since epoch {diagnosis.epoch}"
    name = f"{diagnosis.symptom.value[:1].upper()}{diagnosis.symptom.value[1:]}"
    return f"{name}{since} ({chance_text(diagnosis.confidence)} sure)"


def worst(diagnoses: Sequence[Diagnosis], most: int) -> list[Diagnosis]:
    """The surest symptoms, at most so many."""
    return sorted(diagnoses, key=lambda row: (-row.confidence, row.trial))[:most]


def holds_words(record: Verification) -> str:
    """'✓ holds' or '✕ does not hold'."""
    return "✓ holds" if record.holds else "✕ does not hold"
