"""Prices of operating points that were not measured, and which of them are worth a probe."""

from __future__ import annotations

from typing import Any

import pytest

from automl.costs.budget import Budget, parse_all
from automl.costs.estimates import (
    FACTS,
    at_best,
    estimated,
    hopeless,
    next_to_probe,
    no_smaller,
    pays,
    relative,
    worth_a_probe,
)
from automl.costs.points import Limits, Probe, compare, first_admitted, left_out_in_words
from automl.errors import AutoMLError
from automl.records import Prepared, Slots
from tests.builders.factories import make_prepared

CPU, GPU = Slots(count=2, device="cpu"), Slots(count=1, device="gpu")


def budgets(*texts: str) -> tuple[Budget, ...]:
    return parse_all(texts, "cpu")


def measured(**changes: Any) -> Prepared:
    return make_prepared(**{"startup_s": 0.0, "val_s": 0.0, "train_s": 10.0, **changes})


def probe(point: str = "yolov5s@640", **changes: Any) -> Probe:
    return Probe(point=point, prepared=measured(**changes))


def guess(point: str, **changes: Any) -> Probe:
    return estimated(point, probe(**changes))


@pytest.mark.parametrize("name", ["yolov5n", "yolov5s", "yolov5n6"])
def test_the_facts_are_those_that_ultralytics_counts(name: str) -> None:
    from ultralytics.nn.tasks import DetectionModel
    from ultralytics.utils.torch_utils import get_flops

    from automl.trainers.ultralytics import schema

    network = DetectionModel(schema.read_model(name), ch=3, nc=80, verbose=False).eval().fuse(verbose=False)
    assert sum(tensor.numel() for tensor in network.parameters()) == FACTS[name].parameters
    assert get_flops(network, 640) == pytest.approx(FACTS[name].gflops, rel=0.01)


def test_a_price_grows_with_operations_and_pixels() -> None:
    source = {"val_s": 2.0, "gflops": 24.0, "startup_s": 3.0, "parameters": 9_000_000, "latency_s": 0.01}
    larger = guess("yolov5m@1280", **source).prepared
    assert larger is not None
    ratio = 4 * 64.21 / 24.0
    assert (larger.train_s, larger.val_s) == pytest.approx((10 * ratio, 2 * ratio))
    assert (larger.gflops, larger.latency_s) == pytest.approx((24 * ratio, 0.01 * ratio))
    assert larger.startup_s == 3.0
    assert larger.parameters == pytest.approx(24_700_000, rel=0.01)
    assert guess("yolov5m@1280").estimated


def test_an_own_network_is_priced_from_itself_alone() -> None:
    own = estimated("own.yaml@320", probe("own.yaml@640")).prepared
    assert own is not None
    assert own.train_s == pytest.approx(2.5)
    assert estimated("yolov5n@640", probe("own.yaml@640")).prepared is None
    assert estimated("yolov5n@640", Probe(point="yolov5s@640", prepared=None)).prepared is None
    assert relative("own.yaml@640", "yolov5s@640") is None


@pytest.mark.parametrize(
    ("epoch_s", "epochs", "texts", "answer"),
    [
        (45.0, None, ("10cpu-h",), True),  # 20 trainings of 40 epochs
        (46.0, None, ("10cpu-h",), False),
        (5.0, None, ("10cpu-h",), True),  # cheaper than the baseline, whose horizon it has
        (18.0, 100, ("10cpu-h",), True),
        (18.1, 100, ("10cpu-h",), False),
        (15.0, None, ("10cpu-h", "19trials"), False),
        (15.0, None, ("10cpu-h", "20trials"), True),
    ],
)
def test_a_point_is_paid_if_twenty_trainings_near_their_end_are(
    epoch_s: float, epochs: int | None, texts: tuple[str, ...], answer: bool
) -> None:
    assert pays(measured(train_s=epoch_s), measured(), budgets(*texts), CPU, epochs) == answer


def test_on_a_gpu_the_price_of_a_larger_network_may_be_half_of_its_estimate() -> None:
    large, near, small = guess("yolov5x@640"), guess("yolov5n6@1280"), guess("yolov5n@640")
    at_cpu, at_gpu = (at_best(large, measured(), slots) for slots in (CPU, GPU))
    assert at_cpu is large.prepared
    assert at_gpu is not None
    assert at_gpu.epoch_s == pytest.approx(5 * 246.39 / 24.0)
    assert at_best(small, measured(), GPU) is small.prepared
    dearer = at_best(near, measured(), GPU)  # never below the price of the baseline
    assert dearer is not None
    assert dearer.epoch_s == pytest.approx(10.0)
    assert at_best(probe("yolov5x@640", train_s=99.0), measured(), GPU) == measured(train_s=99.0)


def test_a_probe_takes_a_small_part_of_the_budget() -> None:
    costly = measured(train_s=1000.0, train_images=160, defaults={"batch": 16})  # four steps take 400 s
    assert worth_a_probe(costly, budgets("6cpu-h", "3trials"))
    assert not worth_a_probe(costly, budgets("5cpu-h"))
    assert worth_a_probe(costly, budgets("1h"))


@pytest.mark.parametrize(
    ("slots", "limits", "changes", "words"),
    [
        (CPU, Limits(parameters=20_000_000), {"parameters": 9_000_000}, "more parameters than --max-params 20,000,000"),
        (CPU, Limits(parameters=24_000_000), {"parameters": 9_000_000}, ""),  # a probe decides
        (CPU, Limits(latency_s=0.01), {"latency_s": 0.01}, "by estimate far slower than --max-latency 10"),
        (CPU, Limits(latency_s=0.02), {"latency_s": 0.01}, ""),
        (GPU, Limits(latency_s=0.01), {"latency_s": 0.01}, ""),
        (CPU, Limits(), {"memory_bytes": 10**10, "memory_total_bytes": 32 * 10**9}, "do not fit into the machine's"),
        (CPU, Limits(), {"memory_bytes": 10**9, "memory_total_bytes": 32 * 10**9}, ""),
    ],
)
def test_only_what_an_estimate_tells_for_certain_rules_a_point_out(
    slots: Slots, limits: Limits, changes: dict[str, Any], words: str
) -> None:
    problem = hopeless(guess("yolov5m@640", **changes), limits, slots)
    assert words in problem
    assert bool(problem) == bool(words)


def test_the_dearest_is_probed_first_and_then_another_image_size() -> None:
    every = [guess(f"{model}@{size}") for size in (640, 1280) for model in FACTS if size > 640 or model[-1] != "6"]
    payable = [p for p in every if p.prepared is not None and p.prepared.epoch_s < 50 and p.point != "yolov5s@640"]
    first = next_to_probe(payable, [], measured(), Limits())
    assert first is not None
    assert first.point == "yolov5s6@1280"
    second = next_to_probe([p for p in payable if p is not first], [first], measured(), Limits())
    assert second is not None
    assert second.point == "yolov5m@640"
    assert next_to_probe([], [first], measured(), Limits()) is None


def test_with_a_target_the_last_probe_is_of_the_cheapest() -> None:
    payable = [guess("yolov5l@640"), guess("yolov5n@640"), guess("yolov5m@640")]
    first, target = payable[0], Limits(target=0.5)
    assert next_to_probe(payable, [], measured(), target) is first
    assert next_to_probe(payable[1:], [first], measured(), target) is payable[1]
    assert next_to_probe(payable[1:], [first], measured(), Limits()) is payable[2]


def test_a_larger_image_of_a_smaller_network_is_not_larger_in_all() -> None:
    assert no_smaller("yolov5l@640", "yolov5m@640")
    assert no_smaller("yolov5m@1280", "yolov5m@640")
    assert not no_smaller("yolov5s@1280", "yolov5m@640")  # more operations, fewer parameters
    assert not no_smaller("own.yaml@1280", "yolov5m@640")


def test_an_estimated_point_is_never_trained_and_its_price_is_stated() -> None:
    probes = (probe(), guess("yolov5n@640"), guess("yolov5m@640"), guess("yolov5x@640"))
    points = compare(probes, probes[0], budgets("2cpu-h"), CPU, epochs=12, limits=Limits())
    assert [point.role for point in points] == ["baseline", "left out", "left out", "left out"]
    assert [point.estimated for point in points] == [False, True, True, True]
    spare, poor = left_out_in_words(points, "cpu")
    assert spare == (
        "yolov5n@640 (~39 cpu-s a training) and yolov5m@640 (~5.4 cpu-min) are left out: 3 points are compared at most, and the others promise more."
    )
    assert poor == (
        "yolov5x@640 (~20.5 cpu-min a training) is left out: by estimate the budget pays fewer than 20 "
        "trainings of 12 epochs."
    )
    with pytest.raises(AutoMLError) as refusal:
        first_admitted((probe(parameters=9), guess("yolov5n@640")), Limits(parameters=5), CPU)
    assert "yolov5n" not in str(refusal.value)


def test_at_a_point_that_nobody_named_twenty_trainings_are_needed() -> None:
    named, automatic = probe("yolov5m@640", train_s=40.0), probe("yolov5l@640", train_s=40.0)
    automatic = Probe(point=automatic.point, prepared=automatic.prepared, least=20)
    points = compare((probe(), named, automatic), probe(), budgets("2cpu-h"), CPU, epochs=12, limits=Limits())
    assert [point.role for point in points] == ["baseline", "compared", "left out"]
    assert points[2].why.startswith("12 epochs cost 8.0 cpu-min, of which the budget pays 15.0; 20 are needed")
