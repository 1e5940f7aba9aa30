"""Search spaces: files, checks, draws."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.errors import BadSpace
from automl.files.home import shipped
from automl.records import Params, ParamValue
from automl.space import POINT, Parameter, SearchSpace, parameter_of, settle, trainer_key, without
from automl.space.file import read_space
from automl.trainers.ultralytics import schema, values

KNOWN: Params = {
    **{"optimizer": "auto", "lr0": 0.01, "box": 7.5, "mosaic": 1.0, "copy_paste": 0.0},
    **{"close_mosaic": 10, "imgsz": 640, "model": None},
}
OPTIMIZERS = {
    "optimizer": {"choice": ["SGD", "AdamW"], "default": "SGD"},
    "lr0": {"log": [0.001, 0.1], "default": 0.01, "when": {"optimizer": "SGD"}},
    "lr0@AdamW": {"log": [0.0001, 0.01], "default": 0.001, "when": {"optimizer": ["AdamW"]}},
}


def space_of(parameters: Mapping[str, Mapping[str, object]]) -> SearchSpace:
    return SearchSpace.from_document({"parameters": parameters})


def read(folder: Path, text: str) -> SearchSpace:
    file = folder / "space.yaml"
    file.write_text(text, encoding="utf-8")
    return read_space(
        file, KNOWN, lambda certain: schema.keys_that_are_dead(certain, segments=False), values.problem_of
    )


def problems(folder: Path, text: str) -> list[tuple[int, str]]:
    with pytest.raises(BadSpace) as caught:
        read(folder, text)
    return caught.value.problems


def parameter_problem(folder: Path, line: str) -> str:
    """Problem of one parameter, which stands on line 3."""
    ((number, text),) = problems(folder, f"fixed: {{optimizer: SGD}}\nparameters:\n  {line}\n")
    assert number == 3
    return text


def test_a_good_file_becomes_dimensions(tmp_path: Path) -> None:
    space = read(tmp_path, "fixed: {optimizer: SGD}\nparameters:\n  lr0: {log: [1.0e-4, 0.1]}\n")
    assert space == read(tmp_path, "fixed: {optimizer: SGD}\nparameters:\n  lr0: {log: [1e-4, 1E-1], default: +1e-2}\n")
    assert space.fixed == {"optimizer": "SGD"}
    assert space.parameters == (Parameter("lr0", "log", 0.01, low=1e-4, high=0.1),)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("lr00: {log: [0.001, 0.1]}", "the trainer has no key 'lr00'. Did you mean 'lr0'?"),
        ("obj: {uniform: [0.2, 4.0]}", "'obj' has no effect: it exists in classic YOLOv5 only"),
        ("epochs: {int: [10, 100]}", "'epochs' has no effect: --epochs sets the horizon"),
        ("copy_paste: {uniform: [0.0, 0.4]}", "'copy_paste' has no effect: copy-paste needs polygons"),
        ("box: {uniform: [7.5, 7.5]}", "the range [7.5, 7.5] is empty"),
        ("box: {uniform: [14, 4]}", "the range [14, 4] is inverted"),
        ("box: {uniform: [4]}", "uniform needs two numbers"),
        ("box: {uniform: 4}", "uniform needs a list"),
        ("box: {uniform: [4, .inf]}", "needs finite numbers"),
        ("box: {uniform: [8, 9]}", "the default 7.5 lies outside. Widen the range or give a 'default'."),
        ("lr0: {log: [0, 0.1]}", "a log range must start above zero"),
        ("lr0: {log: [1e, 0.1]}", "log needs two numbers [low, high]"),
        ("lr0: {log: [0.001, 2]}", "lr0 is a number from 0 to 1, and 2.0 is not"),
        ("lr0: {log: [0.001, 0.1], default: yes}", "the default True lies outside"),
        ("close_mosaic: {int: [-5, 20]}", "close_mosaic is a whole number of at least 0, and -5.0 is not"),
        ("mosaic: {choice: [1.0, 2.0]}", "mosaic is a number from 0 to 1, and 2.0 is not"),
        ("copy_paste_mode: {choice: [flip, flop]}", "copy_paste_mode"),
        ("close_mosaic: {int: [0.5, 20]}", "an int range needs whole numbers"),
        ("close_mosaic: {int: [0, 20], default: 2.5}", "the default 2.5 lies outside"),
        ("mosaic: {choice: [1.0]}", "a choice needs two different values or more"),
        ("mosaic: {choice: [1.0, 1.0]}", "a choice needs two different values or more"),
        ("mosaic: {choice: [0.0, 0.5]}", "the default 1.0 lies outside"),
        ("close_mosaic: {int: [0.0, 1.5], of: horizon}", "the range is in shares from 0 to 1, and 1.5 is not"),
        ("close_mosaic: {int: [0.0, 0.2], of: epochs}", "'close_mosaic': of: epochs is unknown. Write 'of: horizon'"),
        ("close_mosaic: {int: [0.2, 0.1], of: horizon}", "the range [0.2, 0.1] is inverted"),
        (
            "close_mosaic: {int: [0.0, 0.2], of: horizon, default: -1}",
            "the default is in epochs, 0 or more, and -1 is not",
        ),
        ("close_mosaic: {int: [0.0, 0.2], of: horizon, default: 2.5}", "cannot hold the default of 2.5 epochs"),
        ("close_mosaic: {log: [0.1, 0.2], of: horizon, default: 0}", "cannot hold the default of 0 epochs"),
        (
            "close_mosaic: {choice: [0.1, 0.2], of: horizon}",
            "only ranges of warmup_epochs and close_mosaic can be shares",
        ),
        ("box: {uniform: [0.1, 0.2], of: horizon}", "only ranges of warmup_epochs and close_mosaic can be shares"),
        (
            "box: {unifrom: [4, 14]}",
            "has the unknown key 'unifrom'. Known: uniform, log, int, choice, default, of, when.",
        ),
        ("box: {default: 7.5}", "needs exactly one of uniform, log, int, choice"),
        ("box: {uniform: [4, 14], log: [4, 14]}", "needs exactly one of uniform, log, int, choice"),
        ("box: 7.5", "must be a mapping such as"),
        ("optimizer: {choice: [SGD, AdamW], default: SGD}", "'optimizer' is both fixed and searched"),
        ("box: {uniform: [4, 14], when: 1}", "'box': 'when' must be a mapping such as {optimizer: SGD}"),
        ("box: {uniform: [4, 14], when: {mosaic: [1.0]}}", "'when' names 'mosaic', which is no choice above this line"),
    ],
)
def test_an_error_in_a_dimension_names_its_line(tmp_path: Path, line: str, problem: str) -> None:
    assert problem in parameter_problem(tmp_path, line)


def test_a_condition_on_a_value_that_is_never_chosen_is_an_error(tmp_path: Path) -> None:
    text = "parameters:\n  mosaic: {choice: [1.0, 0.0]}\n  box: {uniform: [4, 14], when: {mosaic: [0.5]}}\n"
    assert problems(tmp_path, text) == [(3, "'box': 'when' asks for mosaic=0.5, which is not among its choices")]


def test_a_fixed_key_that_is_a_number_is_an_error_with_its_line(tmp_path: Path) -> None:
    text = "parameters:\n  box: {uniform: [4, 14]}\nfixed:\n  7: 8\n"
    assert problems(tmp_path, text) == [(4, "the trainer has no key '7'.")]


def test_lr0_is_dead_while_the_optimizer_is_auto(tmp_path: Path) -> None:
    ((line, message),) = problems(tmp_path, "parameters:\n  box: {uniform: [4, 14]}\n  lr0: {log: [0.001, 0.1]}\n")
    assert line == 3
    assert "'lr0' has no effect: optimizer=auto sets it by itself" in message


def test_lr0_is_dead_while_the_optimizer_may_be_auto(tmp_path: Path) -> None:
    text = "parameters:\n  optimizer: {choice: [auto, SGD], default: SGD}\n  lr0: {log: [0.001, 0.1]}\n"
    assert [line for line, _ in problems(tmp_path, text)] == [3]


def test_lr0_is_alive_where_every_optimizer_is_named(tmp_path: Path) -> None:
    text = "parameters:\n  optimizer: {choice: [AdamW, SGD], default: SGD}\n  lr0: {log: [0.001, 0.1]}\n"
    assert len(read(tmp_path, text).parameters) == 2


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("parameters:\n  box: {uniform: [4, 14]\n  lr0: 3\n", 3, "is not YAML"),
        ("", 1, "has no mapping 'parameters:'"),
        ("- box\n", 1, "has no mapping 'parameters:'"),
        ("parameters: {}\nfixed: [box]\n", 2, "'fixed' must be a mapping"),
        ("parameters: {}\n\nparams: {}\n", 3, "unknown key 'params'. Known: parameters, fixed, description."),
        ("parameters: {}\nfixed:\n  bx: 3\n", 3, "the trainer has no key 'bx'"),
    ],
)
def test_an_error_of_the_file_names_its_line(tmp_path: Path, text: str, line: int, problem: str) -> None:
    ((number, message),) = problems(tmp_path, text)
    assert number == line
    assert problem in message


def test_all_errors_come_at_once_in_the_order_of_their_lines(tmp_path: Path) -> None:
    text = "fixed: {optimizer: SGD, zzz: 1}\nparameters:\n  box: {uniform: [9, 8]}\n  lr0: {log: [0, 1]}\n"
    assert [line for line, _ in problems(tmp_path, text)] == [1, 3, 4]


def test_the_message_names_file_and_line(tmp_path: Path) -> None:
    with pytest.raises(BadSpace, match=r"space\.yaml:2: 'box': the range \[9, 8\] is inverted"):
        read(tmp_path, "parameters:\n  box: {uniform: [9, 8]}\n")


def test_a_file_that_is_missing_or_not_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSpace, match="cannot be read"):
        read_space(tmp_path / "absent.yaml", KNOWN, lambda certain: {})
    (tmp_path / "space.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadSpace, match="is not UTF-8 text"):
        read_space(tmp_path / "space.yaml", KNOWN, lambda certain: {})


@pytest.mark.parametrize("name", ["scratch-low", "small"])
def test_the_shipped_spaces_hold_against_the_trainer(name: str) -> None:
    def dead(certain: Params) -> Mapping[str, str]:
        return schema.keys_that_are_dead(certain, segments=True)

    space = read_space(shipped(f"configs/spaces/{name}.yaml"), schema.defaults(), dead)
    assert {trainer_key(p.name) for p in space.parameters} <= set(schema.tunable_keys())
    assert SearchSpace.from_document(space.document()) == space


def test_defaults_of_the_shipped_space_are_those_of_the_trainer() -> None:
    defaults = schema.defaults()
    space = read_space(shipped("configs/spaces/scratch-low.yaml"), defaults, lambda certain: {})
    own = {"optimizer", "lr0@AdamW", "freeze"}  # auto is no choice, AdamW wants less, nothing frozen is 0 layers
    assert {p.name: p.default for p in space.parameters if p.name not in own} == {
        p.name: defaults[p.name] for p in space.parameters if p.name not in own
    }


def test_a_space_survives_its_document() -> None:
    space = space_of({**OPTIMIZERS, "close_mosaic": {"int": [0, 20], "default": 10}})
    assert SearchSpace.from_document(space.document()) == space


bounds = st.tuples(st.floats(1e-6, 1e3), st.floats(1e-6, 1e3)).filter(lambda b: b[0] * 1.001 < b[1])


@given(st.sampled_from(["uniform", "log"]), bounds, st.floats(0.01, 5.0), st.integers())
def test_numbers_are_drawn_within_their_bounds(kind: str, ends: tuple[float, float], spread: float, seed: int) -> None:
    parameter = Parameter("x", kind, ends[0], low=ends[0], high=ends[1])
    assert parameter.holds(parameter.near(ends[1], random.Random(seed), spread))


@given(st.integers(-50, 50), st.integers(1, 50), st.integers())
def test_whole_numbers_are_drawn_whole_and_within_their_bounds(low: int, width: int, seed: int) -> None:
    parameter = Parameter("x", "int", low, low=float(low), high=float(low + width))
    value = parameter.near(low, random.Random(seed), 0.4)
    assert isinstance(value, int)
    assert parameter.holds(value)


@pytest.mark.parametrize("value", [True, "7", None, float("nan"), 0.9, 20.1])
def test_what_is_no_number_within_the_bounds_is_outside(value: ParamValue) -> None:
    assert not Parameter("x", "uniform", 5.0, low=1.0, high=20.0).holds(value)


@given(st.integers())
def test_draws_leave_out_what_is_inactive(seed: int) -> None:
    values = space_of(OPTIMIZERS).draw(random.Random(seed))
    other = {"SGD": "lr0@AdamW", "AdamW": "lr0"}[str(values["optimizer"])]
    assert other not in values
    assert len(values) == 2


def test_draws_around_a_point_stay_where_they_do_not_move() -> None:
    space = space_of({k: {"uniform": [0.0, 1.0], "default": 0.5} for k in "abcdefgh"})
    around = dict.fromkeys("abcdefgh", 0.25)
    values = space.draw(random.Random(1), around=around, spread=0.01, share=0.3)
    stayed = [k for k in around if values[k] == 0.25]
    assert 0 < len(stayed) < 8
    assert all(abs(float(values[k] or 0) - 0.25) < 0.1 for k in around)


def test_a_draw_with_no_share_moves_one_dimension() -> None:
    space = space_of({k: {"uniform": [0.0, 1.0], "default": 0.5} for k in "abcd"})
    values = space.draw(random.Random(0), share=0.0)
    assert sum(value != 0.5 for value in values.values()) == 1


def test_an_alias_becomes_the_trainers_key() -> None:
    space = space_of(OPTIMIZERS)
    assert space.arguments({"optimizer": "AdamW", "lr0@AdamW": 0.002}) == {"optimizer": "AdamW", "lr0": 0.002}


@given(st.integers())
def test_arguments_lead_back_to_the_values(seed: int) -> None:
    space = space_of({POINT: {"choice": ["n@640", "s@640"], "default": "n@640"}, **OPTIMIZERS})
    values = space.draw(random.Random(seed))
    assert space.values(space.arguments(values)) == values


def test_arguments_outside_the_space_have_no_values() -> None:
    assert space_of(OPTIMIZERS).values({"optimizer": "MuSGD", "lr0": 0.01, "nbs": 64}) == {}


def test_model_and_size_are_one_dimension_with_the_baseline_first() -> None:
    space = space_of({"lr0": OPTIMIZERS["lr0"]}).with_points(["n", "s"], [640, 320], lambda m: False)
    assert space.parameters[0].choices == ("n@640", "n@320", "s@640", "s@320")
    assert space.parameters[0].default == "n@640"
    assert space.arguments({POINT: "s@320"}) == {"model": "s", "imgsz": 320}


def test_p6_variants_come_with_1280_pixels_and_up_only() -> None:
    space = space_of({}).with_points(["yolov5s", "yolov5s6"], [640, 1280, 1536], schema.is_p6)
    assert space.parameters[0].choices == (
        *("yolov5s@640", "yolov5s@1280", "yolov5s@1536"),
        *("yolov5s6@1280", "yolov5s6@1536"),
    )


def test_a_single_point_is_no_dimension() -> None:
    space = space_of({"imgsz": {"choice": [640, 320], "default": 640}})
    assert space.with_points(["n"], [640], lambda m: False).parameters == ()


def test_a_fixed_argument_leaves_the_space_and_decides_the_conditions_on_it() -> None:
    space, left_out = settle(space_of(OPTIMIZERS), {"optimizer": "SGD"})
    assert [(p.name, p.when) for p in space.parameters] == [("lr0", ())]
    assert left_out == {
        "optimizer": "it is set on the command line",
        "lr0@AdamW": "it has no effect with optimizer=SGD",
    }
    assert "lr0" in space.draw(random.Random(0))


def test_dead_dimensions_are_left_out_with_their_reason() -> None:
    space, left_out = without(space_of(OPTIMIZERS), {"lr0": "because"})
    assert [p.name for p in space.parameters] == ["optimizer"]
    assert left_out == {"lr0": "because", "lr0@AdamW": "because"}


def test_a_condition_on_the_model_becomes_one_on_the_points() -> None:
    low = Parameter("lr0", "log", 0.01, 0.001, 0.1, when=(("model", ("yolov5s",)),))
    joint = SearchSpace((low,)).with_points(("yolov5n", "yolov5s"), (640,), lambda model: False)
    assert joint.parameters[1].when == ((POINT, ("yolov5s@640",)),)
    met = SearchSpace((low,)).with_points(("yolov5s",), (640,), lambda model: False)
    assert met.parameters[0].when == ()
    assert SearchSpace((low,)).with_points(("yolov5n",), (640,), lambda model: False).parameters == ()


def test_a_key_that_stands_twice_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "space.yaml"
    file.write_text("parameters:\n  box: {log: [4.0, 14.0]}\n  box: {log: [5.0, 10.0]}\n")
    with pytest.raises(BadSpace, match=":3: 'box' stands twice"):
        read_space(file, KNOWN, lambda certain: {})


@pytest.mark.parametrize(
    ("entry", "value", "unit"),
    [
        ({"uniform": [2.0, 6.0], "default": 3.0}, 3.0, 0.25),
        ({"log": [0.001, 0.1], "default": 0.01}, 0.01, 0.5),
        ({"int": [0, 20], "default": 10}, 10, 0.5),
    ],
)
def test_a_number_has_a_place_on_its_own_scale(entry: dict[str, Any], value: float, unit: float) -> None:
    parameter = parameter_of("x", entry)
    assert parameter.unit(value) == pytest.approx(unit)
    assert parameter.at(unit) == pytest.approx(value)
    assert parameter.holds(parameter.at(0.0))
    assert parameter.holds(parameter.at(1.0))


@pytest.mark.parametrize(("outside", "inside"), [(1.2, 0.8), (-0.3, 0.3), (2.1, 0.1), (-1.1, 0.9)])
def test_places_beyond_the_ends_are_mirrored(outside: float, inside: float) -> None:
    parameter = parameter_of("x", {"uniform": [0.0, 1.0], "default": 0.5})
    assert parameter.at(outside) == pytest.approx(inside)


def test_shares_of_the_horizon_become_epochs_and_hold_the_default(tmp_path: Path) -> None:
    text = "parameters:\n  close_mosaic: {int: [0.0, 0.25], of: horizon, default: 10}\n"
    shared = read(tmp_path, text)
    assert SearchSpace.from_document(shared.document()) == shared
    ranges = {epochs: shared.at_horizon(epochs).parameters[0] for epochs in (4, 12, 100)}
    assert [(p.low, p.default, p.high) for p in ranges.values()] == [(0, 4, 4), (0, 10, 10), (0, 10, 25)]
    assert "of" not in shared.at_horizon(12).document()["parameters"]["close_mosaic"]


@pytest.mark.parametrize(
    ("epochs", "low", "default", "high"), [(2, 0.01, 2.0, 2.0), (20, 0.1, 3.0, 3.0), (300, 1.5, 3.0, 30.0)]
)
def test_a_log_range_of_the_horizon_keeps_the_default_in_epochs(
    epochs: int, low: float, default: float, high: float
) -> None:
    entry = {"log": [0.005, 0.1], "of": "horizon", "default": 3.0}
    parameter = parameter_of("warmup_epochs", entry).at_horizon(epochs)
    assert (parameter.low, parameter.default, parameter.high) == (low, default, high)
    assert parameter.holds(parameter.default)


@given(
    st.integers(1, 400),
    st.integers(0, 400),
    st.floats(0, 0.9),
    st.floats(0.01, 0.1),
    st.sampled_from(["int", "uniform"]),
)
def test_a_range_of_the_horizon_always_holds_its_default(
    epochs: int, default: int, low: float, width: float, kind: str
) -> None:
    entry = {kind: [low, low + width], "of": "horizon", "default": default}
    parameter = parameter_of("close_mosaic", entry).at_horizon(epochs)
    assert parameter.holds(parameter.default)
    assert 0 <= parameter.low < parameter.high <= max(epochs, 1)


@pytest.mark.parametrize(
    ("fixed", "problem"),
    [("lr0: -1", "lr0 is a number from 0 to 1, and -1 is not"), ("optimizer: Adm", "'Adm' is not. Did you mean Adam?")],
)
def test_a_fixed_value_that_cannot_be_is_refused_at_its_line(tmp_path: Path, fixed: str, problem: str) -> None:
    ((line, text),) = problems(tmp_path, f"parameters:\n  box: {{uniform: [4, 14]}}\nfixed:\n  {fixed}\n")
    assert line == 4
    assert problem in text
