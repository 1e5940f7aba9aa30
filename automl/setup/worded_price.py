"""A price in sentences."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from automl.costs import worth
from automl.figures import format_cost
from automl.records import Correction, Price, Suspect, SuspectKind
from automl.scores.trust import Interval

LEARNT = 0.005  # mAP50-95 below which a training has learnt nothing that a label could change


def side_text(side: Correction | None) -> str:
    """'as they are', 'fixed' or 'dropped'."""
    return "as they are" if side is None else side.value


def notes(suspects: Sequence[Suspect], chosen: Sequence[Suspect]) -> tuple[str, ...]:
    """Sentences on suspects that a price leaves as they are."""
    elsewhere = sum(suspect.split != "train" for suspect in suspects)
    missing = sum(suspect.kind is SuspectKind.MISSING for suspect in chosen)
    sentences = []
    if elsewhere:
        left = "1 suspicious label of val or test is left as it is"
        if elsewhere > 1:
            left = f"{elsewhere} suspicious labels of val or test are left as they are"
        sentences.append(f"{left}: both sides are measured on the same val, and its own wrong labels blur both.")
    if missing and missing < len(chosen):
        sentences.append(
            f"Of the {_suspects(len(chosen))} {missing} {'lacks' if missing == 1 else 'lack'} a label: fixed, but not "
            "dropped."
        )
    return tuple(sentences)


def nothing_to_change(price: Price, suspects: Sequence[Suspect]) -> Price:
    """The price where no suspect lies in train, or none can be changed."""
    if not suspects:
        return replace(price, sentence="There are no suspicious labels, so there is nothing to price.")
    why = "none of the suspects lies in train" if not price.k else "the model proposes nothing else for them"
    return replace(price, sentence=f"There is nothing to price: {why}, and val is never changed.")


def from_trainings(price: Price, epoch_s: float) -> Price:
    """The price with its sentence, from the labels fixed, or dropped where that alone has most pairs.

    Not from the one that gained more: of two uncertain figures the larger one promises too much.

    epoch_s  slot-seconds of an epoch, which tell what a search would cost
    """
    most = max(len(variant.seeds) for variant in price.variants)
    order = tuple(Correction)  # fixed first
    whole = [variant for variant in price.variants if len(variant.seeds) == most]
    best = min(whole, key=lambda variant: order.index(variant.correction))
    pairs = f"{most} pair{'s' if most > 1 else ''} of trainings"
    how = (
        f"{best.correction.value}, {pairs} of {price.epochs} epochs of {Path(price.model).stem} at {price.imgsz} px, "
        f"{format_cost(price.cost_s, price.device)}"
    )
    if max(best.map50_95, best.as_is) < LEARNT:
        text = f"The trainings learnt too little to tell what the suspects cost ({how}): allow more epochs."
        return replace(price, sentence=text)
    gain = Interval(mean=best.gain, low=best.low, high=best.high)
    sentence = f"The {_suspects(price.k)} of train {_cost(gain)} ({how}){_against(gain, epoch_s, price.device)}."
    if price.interrupted:
        sentence += " Interrupted: that is what was known by then."
    return replace(price, sentence=sentence, loss=best.gain, low=best.low, high=best.high)


def from_records(price: Price, chosen: Sequence[Suspect], boxes: int) -> Price:
    """The price from recorded runs on other data, where no pair of trainings is known.

    boxes  of train
    """
    expected: dict[SuspectKind, float] = defaultdict(float)
    for suspect in chosen:
        expected[suspect.kind] += suspect.score / max(1, boxes)
    loss = worth.recorded_loss(expected)
    share = sum(expected.values())
    sentence = (
        f"The {_suspects(price.k)} of train {_cost(loss)}, by recorded runs on other data ({worth.LOSSES_FROM}): by "
        f"their scores {share:.1%} of the {boxes} boxes of train are wrong{_against(loss, 0.0, '')}. "
        "Train on yours with --price and a --budget to know."
    )
    if price.interrupted:
        sentence = f"Interrupted before a pair of trainings was done. {sentence}"
    return replace(price, sentence=sentence, loss=loss.mean, low=loss.low, high=loss.high, recorded=True)


def _suspects(count: int) -> str:
    return f"{count} most suspicious labels" if count != 1 else "most suspicious label"


def _cost(loss: Interval) -> str:
    """'cost about .020 mAP50-95 ± .010', or that it cannot be told."""
    figure = f"{_score(abs(loss.mean))} mAP50-95 ± {_score(loss.half)}"
    if loss.low > 0:
        return f"cost about {figure}"
    if loss.high < 0:
        return f"are worth keeping: without them the model lost {figure}"
    if loss.mean > 0:
        return f"cost {figure}, which may be nothing"
    return f"cost nothing that can be measured ({'-' if loss.mean < 0 else ''}{figure})"


def _against(loss: Interval, epoch_s: float, device: str) -> str:
    """Comparison with what a search is expected to bring, as the end of a sentence."""
    beaten, rival = worth.beaten_by(loss.mean), worth.beats(loss.mean)
    if loss.mean <= 0:
        return ""
    if beaten is not None:
        return f", more than {_search(beaten, epoch_s, device)} is expected to bring ({_score(beaten.gain)})"
    assert rival is not None
    return f", less than {_search(rival, epoch_s, device)} is expected to bring ({_score(rival.gain)})"


def _search(row: worth.SearchGain, epoch_s: float, device: str) -> str:
    cost_s = row.trainings * worth.SEARCH_EPOCHS * epoch_s
    price = f", about {format_cost(cost_s, device)}," if cost_s else ""
    return f"a search of {row.trainings} trainings of {worth.SEARCH_EPOCHS} epochs{price}"


def _score(value: float) -> str:
    return f"{value:.3f}".removeprefix("0")
