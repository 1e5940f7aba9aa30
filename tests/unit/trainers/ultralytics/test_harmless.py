"""Network files of strangers: parts that Ultralytics would run are found, and nothing of them is run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from automl.errors import UntrustedNetwork
from automl.files import trusted
from automl.trainers.ultralytics import schema
from automl.trainers.ultralytics.harmless import doubts
from tests.builders.train_tiny import NETWORK

RUN = "__import__('pathlib').Path('ran').touch()"
PACKAGED = sorted((schema.package() / "cfg" / "models").glob("*/*.yaml"), key=lambda file: file.name)


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with an empty list of trusted files."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


def _written(place: Path, **changes: Any) -> str:
    """A network file with these keys; `layer` is a first layer."""
    document = yaml.safe_load(NETWORK)
    layer = changes.pop("layer", None)
    document["backbone"][0] = layer or document["backbone"][0]
    file = place / "mine.yaml"
    file.write_text(yaml.dump({**document, **changes}))
    return str(file)


@pytest.mark.parametrize(
    "activation",
    [
        RUN,
        RUN.encode(),
        f"nn.SiLU({RUN})",
        f"nn.SiLU(inplace={RUN})",
        f"nn.SiLU() if {RUN} else 0",
        f"[{RUN}, nn.SiLU()][1]",
        "nn.SiLU",
        "nn.utils()",
        "nn.SiLU().forward()",
        "nn.Threshold(*[1, 2])",
        "torch.hub.load('a/b', 'c')",
        "(lambda: nn.SiLU())()",
        "nn.LeakyReLU(x := 0.1)",
        "nn.LeakyReLU(nc)",
        ["nn.SiLU()"],
        7,
    ],
)
def test_an_activation_that_is_more_than_a_layer_is_not_run(place: Path, activation: object) -> None:
    file = _written(place, activation=activation)
    with pytest.raises(UntrustedNetwork, match="--trust-model") as caught:
        schema.read_model(file)
    assert str(caught.value).startswith(f"{file}:1: activation has ")
    assert not (place / "ran").exists()


@pytest.mark.parametrize(
    "layer",
    [
        [-1, 1, "Conv", [8, RUN]],
        [-1, 1, "Conv", [8, "ast"]],
        [-1, 1, "Conv", [8, "m"]],
        [-1, 1, "Conv", [8, "d"]],
        [-1, 1, "Conv", [8, "(" * 99]],
        [-1, 1, "Conv", [8, "[" * 5000]],
        [-1, 1, "nn.utils", []],
        [-1, 1, "nn.__class__", ["a"]],
        [-1, 1, "nn.modules.Conv2d", [3]],
        [-1, 1, "torchvision.ops.nms", []],
        [-1, 1, "TorchVision", [512, "resnet18", "DEFAULT"]],
    ],
)
def test_a_layer_that_is_more_than_a_layer_is_not_built(place: Path, layer: list[Any]) -> None:
    with pytest.raises(UntrustedNetwork, match=r"backbone\.0 has .*--trust-model"):
        schema.read_model(_written(place, layer=layer))


@pytest.mark.parametrize(
    "activation", ["nn.SiLU()", "torch.nn.ReLU()", " nn.LeakyReLU(0.1) ", "nn.Hardtanh(-1, max_val=2.5)"]
)
def test_a_layer_as_activation_needs_no_question(place: Path, activation: str) -> None:
    assert schema.read_model(_written(place, activation=activation))["activation"] == activation


@pytest.mark.parametrize(
    "arguments", [[None, 2, "nearest"], ["None", "2", "'nearest'"], [8, "True"], ["nc"], [8, "[1, 2]"], [8, "-3.5"]]
)
def test_numbers_and_words_need_no_question(arguments: list[Any]) -> None:
    description = {"backbone": [[-1, 1, "Conv", arguments]], "head": []}
    assert not list(doubts(description, schema.package()))


@pytest.mark.parametrize("file", PACKAGED, ids=lambda file: file.stem)
def test_ultralytics_own_networks_need_no_question(file: Path) -> None:
    description = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert [doubt.text for doubt in doubts(description, schema.package())] in ([], ["TorchVision"])


def test_a_trusted_file_is_remembered_by_its_content_wherever_it_lies(place: Path) -> None:
    file = _written(place, activation=RUN)
    with pytest.raises(UntrustedNetwork) as caught:
        schema.read_model(file)
    trusted.trust(caught.value.digest, file)
    copy = place / "copy.yaml"
    copy.write_bytes(Path(file).read_bytes())
    assert schema.read_model(str(copy))["activation"] == RUN
    copy.write_text(copy.read_text() + "# changed\n")
    with pytest.raises(UntrustedNetwork):
        schema.read_model(str(copy))
    assert trusted.list_file().stat().st_mode & 0o077 == 0
