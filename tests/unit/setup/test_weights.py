"""Weights of each variant: found, named, downloaded or refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from automl.errors import BadWeights
from automl.files import users
from automl.setup.weights import find_weights, from_scratch, matched
from automl.trainers.ultralytics import pretrained, schema
from automl.trainers.ultralytics.weights import sha256
from tests.builders.release_page import release_page, write_archive
from tests.builders.train_tiny import NETWORK


@pytest.fixture
def weights_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ultralytics' folder of weights, by settings of the user's; the current folder is another one."""
    folder = tmp_path / "weights"
    settings = tmp_path / "config" / "Ultralytics" / "settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"weights_dir": str(folder), "datasets_dir": str(tmp_path / "sets")}))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(users, "_before", {"YOLO_CONFIG_DIR": str(tmp_path / "config"), "YOLO_OFFLINE": None})
    monkeypatch.delenv(pretrained.FOLDER, raising=False)
    return folder


def paths(words: str, *models: str, offline: bool = True) -> dict[str, Path]:
    return {w.model: Path(w.path) for w in find_weights(words, models, offline=offline).files}


# -- names --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "file"),
    [
        ("yolov5s", "yolov5su.pt"),
        ("yolov5n6", "yolov5n6u.pt"),
        ("yolov5n-p6", "yolov5n6u.pt"),
        ("yolo11n", "yolo11n.pt"),
        ("yolov3-tiny", "yolov3-tinyu.pt"),
        ("yolov8s", "yolov8s.pt"),
        ("yolov6n", None),  # never released
        ("yolov5s.yaml", None),  # as for `yolo`: a description, so from scratch
    ],
)
def test_the_pretrained_file_of_a_variant_is_that_of_yolo(model: str, file: str | None) -> None:
    assert pretrained.asset_of(model) == file


def test_names_and_release_are_those_of_the_installed_downloader() -> None:
    from inspect import signature

    from ultralytics.utils import downloads
    from ultralytics.utils.checks import check_yolov5u_filename

    assert pretrained.release().names == downloads.GITHUB_ASSETS_NAMES
    assert pretrained.release().tag == signature(downloads.attempt_download_asset).parameters["release"].default
    for name in ("yolov5s.pt", "yolov5x6.pt", "yolov3.pt", "yolov3-spp.pt", "yolov5su.pt", "yolo11n.pt", "best.pt"):
        assert pretrained.file_of(name) == check_yolov5u_filename(name, verbose=False)


def test_a_release_is_fetched_from_where_the_library_fetches_it(
    weights_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ultralytics.utils import downloads

    asked: list[str] = []
    monkeypatch.setattr(downloads, "safe_download", lambda url, **others: asked.append(url))
    downloads.attempt_download_asset("yolov5n.pt")
    ours: list[str] = []
    monkeypatch.setattr(pretrained.download, "size_of", lambda url: None)
    monkeypatch.setattr(pretrained.download, "download", lambda url, target: ours.append(url) or "no network")
    with pytest.raises(BadWeights, match="could not be downloaded: no network"):
        find_weights("auto", ["yolov5n"], offline=False)
    assert ours == asked


@pytest.mark.parametrize(
    ("file", "network"),
    [("yolov5n6u.pt", "yolov5n-p6"), ("a/yolov5su.pt", "yolov5s"), ("yolo11n.pt", "yolo11n"), ("menu.pt", "menu")],
)
def test_a_file_is_named_after_a_network(file: str, network: str) -> None:
    assert pretrained.network_of(file) == network


def test_every_released_detector_belongs_to_one_of_the_networks() -> None:
    known = {pretrained.asset_of(name) for name in schema.model_names()} - {None}
    assert {f"yolov5{k}u.pt" for k in "nsmlx"} | {f"yolov5{k}6u.pt" for k in "nsmlx"} <= known
    assert {f"yolo11{k}.pt" for k in "nsmlx"} | {f"yolov8{k}.pt" for k in "nsmlx"} <= known


# -- auto ---------------------------------------------------------------------------------------------


def test_auto_looks_here_then_in_the_users_folder_then_in_that_of_ultralytics(
    weights_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(pretrained.FOLDER, str(tmp_path / "own"))
    last = write_archive(weights_dir / "yolov5su.pt")
    assert paths("auto", "yolov5s") == {"yolov5s": last}
    own = write_archive(tmp_path / "own" / "yolov5su.pt")
    assert paths("auto", "yolov5s") == {"yolov5s": own}
    here = write_archive(Path("yolov5su.pt").absolute())
    assert paths("auto", "yolov5s", "yolov5s") == {"yolov5s": here}


def test_each_variant_has_its_own_file_and_hash(weights_dir: Path) -> None:
    small, nano = write_archive(weights_dir / "yolov5su.pt"), write_archive(weights_dir / "yolo11n.pt")
    starts = find_weights("auto", ["yolov5s", "yolo11n"], offline=True)
    assert [(w.model, w.path, w.sha256) for w in starts.files] == [
        ("yolov5s", str(small), sha256(small)),
        ("yolo11n", str(nano), sha256(nano)),
    ]
    assert starts.notes == ()


@pytest.mark.parametrize("way", ["flag", "variable"])
def test_offline_the_three_ways_out_are_named(weights_dir: Path, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if way == "variable":
        monkeypatch.setitem(users._before, "YOLO_OFFLINE", "true")
    with pytest.raises(BadWeights) as caught:
        find_weights("auto", ["yolov5s"], offline=way == "flag")
    assert str(caught.value) == (
        "yolov5s starts from yolov5su.pt, which is not here, and --offline or YOLO_OFFLINE forbids to download it. Put "
        "the file into the current folder or into the one that AUTOML_WEIGHTS names, give weights with --weights FILE, "
        "or train from scratch with --weights none."
    )


def test_what_is_missing_is_downloaded_once_after_a_line_that_says_so(
    weights_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, lines = write_archive(tmp_path / "page" / "yolov5su.pt", 1_500_000), list[str]()
    with release_page(tmp_path / "page") as (address, seen):
        monkeypatch.setenv(pretrained.MIRROR, address)
        starts = find_weights("auto", ["yolov5s"], offline=False, say=lines.append)
        again = find_weights("auto", ["yolov5s"], offline=False, say=lines.append)
    assert starts == again
    assert Path(starts.files[0].path) == weights_dir / "yolov5su.pt"
    assert starts.files[0].sha256 == sha256(source)
    assert lines == [f"yolov5s starts from yolov5su.pt: downloading it (1.5 MB) from {address} into {weights_dir} ..."]
    assert seen == ["HEAD /yolov5su.pt", "GET /yolov5su.pt"]


def test_a_download_that_fails_leaves_no_file_and_names_the_ways_out(
    weights_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "page").mkdir()
    with release_page(tmp_path / "page") as (address, _):
        monkeypatch.setenv(pretrained.MIRROR, address)
        with pytest.raises(
            BadWeights,
            match=r"could not be downloaded: the server answers with 404\. .* AUTOML_WEIGHTS .* --weights none",
        ):
            find_weights("auto", ["yolov5s"], offline=False)
    assert list(weights_dir.glob("*")) == []


def test_an_own_network_starts_from_scratch_with_a_note(weights_dir: Path, tmp_path: Path) -> None:
    network = tmp_path / "tiny.yaml"
    network.write_text(NETWORK)
    starts = find_weights("auto", [str(network)], offline=True)
    assert starts.files == ()
    assert starts.notes == (
        "tiny.yaml has no pretrained weights, so its trials train from scratch. Name some with --weights FILE.",
    )


# -- none, files and folders --------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["none", ""])
def test_none_is_from_scratch(weights_dir: Path, words: str) -> None:
    starts = find_weights(words, ["yolov5s"], offline=True)
    assert starts.files == ()
    assert starts.notes[0].startswith("--weights none: every trial trains from scratch.")
    assert from_scratch(words)


def test_one_file_serves_every_variant(weights_dir: Path) -> None:
    own = write_archive(Path("own.pt").absolute())
    assert paths("own.pt", "yolov5n", "yolov5s") == {"yolov5n": own, "yolov5s": own}


def test_a_bare_name_is_mapped_as_yolo_does(weights_dir: Path) -> None:
    file = write_archive(weights_dir / "yolov5su.pt")
    assert paths("yolov5s.pt", "yolov5s") == {"yolov5s": file}
    with pytest.raises(BadWeights, match=r"--weights yolov5n\.pt means yolov5nu\.pt, which is not here, and --offline"):
        find_weights("yolov5n.pt", ["yolov5n"], offline=True)


def test_several_files_are_matched_by_the_networks_name(weights_dir: Path) -> None:
    small, nano = write_archive(Path("yolov5s.pt").absolute()), write_archive(Path("yolov5nu.pt").absolute())
    assert paths("yolov5s.pt,yolov5nu.pt", "yolov5n", "yolov5s") == {"yolov5n": nano, "yolov5s": small}


def test_several_files_are_matched_by_the_tensors_that_fit(tmp_path: Path) -> None:
    from ultralytics.nn.tasks import DetectionModel

    files, models = [], []
    for name, width in (("one", 24), ("two", 40)):
        network = tmp_path / f"{name}.yaml"
        network.write_text(NETWORK.replace("[24, 3, 2]", f"[{width}, 3, 2]"))
        torch.save(
            DetectionModel(schema.read_model(str(network)), verbose=False).state_dict(), tmp_path / f"w{width}.pt"
        )
        models.append(str(network))
        files.insert(0, tmp_path / f"w{width}.pt")
    assert matched(files, models) == {models[0]: files[1], models[1]: files[0]}
    with pytest.raises(BadWeights, match=r"--weights w40\.pt,w24\.pt: w24\.pt is for none of two\.yaml\."):
        matched(files, models[1:])


def test_a_folder_has_a_file_for_each_variant(weights_dir: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    nano = write_archive(folder / "yolov5nu.pt")
    assert paths(str(folder), "yolov5n") == {"yolov5n": nano}
    with pytest.raises(BadWeights, match=r"the folder has no weights for yolov5s\. Put yolov5su\.pt there"):
        find_weights(str(folder), ["yolov5n", "yolov5s"], offline=True)


def test_settings_of_ultralytics_are_read_and_not_written(weights_dir: Path, tmp_path: Path) -> None:
    before = (tmp_path / "config" / "Ultralytics" / "settings.json").read_bytes()
    assert users.weights_dir() == weights_dir
    assert users.datasets_dir() == tmp_path / "sets"
    assert (tmp_path / "config" / "Ultralytics" / "settings.json").read_bytes() == before
