from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from automl.errors import BadWeights
from automl.trainers.ultralytics.weights import check_weights, load_matching, read_state, sha256
from tests.builders.train_tiny import COCO_WEIGHTS, ROOT

# What classic YOLOv5 writes: a pickle of its own classes, which are not installed here.
CLASSIC = """
import sys, types, torch
from safetensors.torch import load_file

class Model(torch.nn.Module): pass
class Conv(torch.nn.Module): pass
models, yolo, common = (types.ModuleType(n) for n in ("models", "models.yolo", "models.common"))
for kind, home in ((Model, yolo), (Conv, common)):
    kind.__module__ = home.__name__
    setattr(home, kind.__name__, kind)
sys.modules.update({"models": models, "models.yolo": yolo, "models.common": common})

def build(tensors):
    root = Model()
    for name, value in tensors.items():
        *path, leaf = name.split(".")
        place = root
        for step in path:
            if step not in place._modules:
                place.add_module(step, Conv())
            place = place._modules[step]
        if value.is_floating_point() and leaf in ("weight", "bias"):
            place.register_parameter(leaf, torch.nn.Parameter(value))
        else:
            place.register_buffer(leaf, value)
    return root

tensors = load_file(sys.argv[1])
other = {k: torch.zeros_like(v) for k, v in tensors.items()}
torch.save({"epoch": -1, "model": build(other), "ema": build(tensors), "opt": {"lr0": 0.01}}, sys.argv[2])
"""


class Net(torch.nn.Module):
    def __init__(self, width: int = 3) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(2, width)
        self.norm = torch.nn.BatchNorm1d(width)


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture
def state() -> dict[str, torch.Tensor]:
    return dict(Net().state_dict())


def test_safetensors_are_read_as_float32(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    save_file({name: v.half() if v.is_floating_point() else v for name, v in state.items()}, tmp_path / "a.safetensors")
    tensors = read_state(tmp_path / "a.safetensors")
    assert tensors["layer.weight"].dtype == torch.float32
    assert tensors["norm.num_batches_tracked"].dtype == torch.int64


@pytest.mark.parametrize("zipped", [True, False])
def test_a_plain_state_dict_is_read(tmp_path: Path, state: dict[str, torch.Tensor], zipped: bool) -> None:
    torch.save(OrderedDict(state), tmp_path / "a.pt", _use_new_zipfile_serialization=zipped)
    assert same(read_state(tmp_path / "a.pt"), state)


def test_a_module_is_read_and_the_average_comes_first(tmp_path: Path) -> None:
    average, live = Net(), Net()
    torch.save({"model": live, "ema": average, "epoch": 3, "date": "now"}, tmp_path / "a.pt")
    assert same(read_state(tmp_path / "a.pt"), dict(average.state_dict()))


def test_an_absent_average_is_passed_over(tmp_path: Path) -> None:
    live = Net()
    torch.save({"model": live, "ema": None}, tmp_path / "a.pt")
    assert same(read_state(tmp_path / "a.pt"), dict(live.state_dict()))


def test_names_of_a_parallel_run_lose_their_prefix(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    torch.save({"state_dict": {f"module.{name}": v for name, v in state.items()}}, tmp_path / "a.pt")
    assert same(read_state(tmp_path / "a.pt"), state)


class Spiteful:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch $SPITE",)


@pytest.mark.fault
def test_nothing_in_the_file_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPITE", str(tmp_path / "spite"))
    net = Net()
    torch.save({"model": net, "callback": Spiteful()}, tmp_path / "a.pt")
    assert same(read_state(tmp_path / "a.pt"), dict(net.state_dict()))
    assert not (tmp_path / "spite").exists()


@pytest.mark.fault
def test_nested_loading_of_bytes_is_not_run_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """torch.storage._load_from_bytes would unpickle freely."""
    import io

    monkeypatch.setenv("SPITE", str(tmp_path / "spite"))
    buffer = io.BytesIO()
    torch.save(Spiteful(), buffer)

    class Nested:
        def __reduce__(self) -> tuple[object, tuple[bytes]]:
            from torch.storage import _load_from_bytes

            return _load_from_bytes, (buffer.getvalue(),)

    torch.save({"model": Net(), "more": Nested()}, tmp_path / "a.pt")
    read_state(tmp_path / "a.pt")
    assert not (tmp_path / "spite").exists()


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 cut off", b"\x80\x02}q\x00."])
def test_a_damaged_pickle_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.pt").write_bytes(content)
    with pytest.raises(BadWeights, match=r"a\.pt"):
        read_state(tmp_path / "a.pt")


def test_a_cut_safetensors_file_is_refused(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    file = tmp_path / "a.safetensors"
    save_file(state, file)
    file.write_bytes(file.read_bytes()[:-8])
    with pytest.raises(BadWeights, match="cut off"):
        read_state(file)
    file.write_bytes(b"\xff" * 7)
    with pytest.raises(BadWeights, match="cut off"):
        check_weights(file)


def test_a_cut_checkpoint_is_refused(tmp_path: Path) -> None:
    torch.save({"model": Net()}, tmp_path / "a.pt")
    content = (tmp_path / "a.pt").read_bytes()
    (tmp_path / "a.pt").write_bytes(content[: len(content) // 2])
    with pytest.raises(BadWeights, match="cut off"):
        check_weights(tmp_path / "a.pt")


def test_a_checkpoint_without_a_network_is_refused(tmp_path: Path) -> None:
    torch.save({"epoch": 3}, tmp_path / "a.pt")
    with pytest.raises(BadWeights, match="holds no network"):
        read_state(tmp_path / "a.pt")


def test_unknown_kinds_folders_and_missing_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadWeights, match=r"Known: \.pt"):
        check_weights("model.onnx")
    (tmp_path / "folder.pt").mkdir()
    with pytest.raises(BadWeights, match="not a file"):
        check_weights(tmp_path / "folder.pt")
    with pytest.raises(BadWeights, match="does not exist"):
        check_weights(tmp_path / "gone.pt")


def test_the_cheap_check_does_not_load_torch(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    torch.save(state, tmp_path / "a.pt")
    code = (
        "import sys; from automl.trainers.ultralytics.weights import check_weights, sha256; check_weights(sys.argv[1]);"
        "sha256(sys.argv[1]); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.pt")], cwd=ROOT, check=False).returncode == 0


def test_matching_tensors_are_copied_and_counted() -> None:
    source, target = Net(3), Net(3)
    state = {**source.state_dict(), "layer.weight": torch.zeros(9, 9), "foreign": torch.zeros(1)}
    before = target.layer.weight.clone()
    assert load_matching(target, state) == (6, 7)
    assert torch.equal(target.layer.bias, source.layer.bias)
    assert torch.equal(target.layer.weight, before)


def test_weights_of_another_family_are_refused() -> None:
    with pytest.raises(BadWeights, match=r"other\.pt: none of its 1 tensors fits .* another family"):
        load_matching(Net(), {"x": torch.zeros(1)}, "other.pt")


def test_the_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest()


@pytest.mark.skipif(not COCO_WEIGHTS.exists(), reason=f"{COCO_WEIGHTS} is not there")
def test_a_classic_checkpoint_is_read_without_its_classes(tmp_path: Path) -> None:
    file = tmp_path / "yolov5n.pt"
    subprocess.run([sys.executable, "-c", CLASSIC, str(COCO_WEIGHTS), str(file)], check=True)
    tensors, expected = read_state(file), read_state(COCO_WEIGHTS)
    assert len(tensors) == 349
    assert same(tensors, expected)
