"""Present paths of a study's files."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from automl.files import folders, moved
from automl.files.moved import Homes, located, portable, renamed
from automl.records import StudySpec, VariantWeights
from tests.builders.factories import make_spec


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with its home, its data set and a network."""
    folder = tmp_path / "project"
    (folder / "runs" / "studies" / "birds").mkdir(parents=True)
    (folder / "data.yaml").write_text("")
    (folder / "runs" / "datasets").mkdir()
    (folder / "runs" / "datasets" / "coco8.yaml").write_text("")
    (folder / "runs" / "networks").mkdir()
    (folder / "runs" / "networks" / "best-1.yaml").write_text("")
    return folder


def spec_in(project: Path, **changes: object) -> StudySpec:
    home = project / "runs"
    return make_spec(data=str(project / "data.yaml"), directory=str(home / "studies" / "birds"), **changes)


def as_an_earlier_version_wrote(spec: StudySpec) -> dict[str, object]:
    """A row's document with absolute paths and without the fields that came later."""
    return {key: value for key, value in spec.to_dict().items() if key not in ("home", "key")}


def here(project: Path) -> Homes:
    return Homes(here=project / "runs")


@pytest.mark.parametrize("write", [portable, as_an_earlier_version_wrote])
def test_a_moved_project_is_found_with_its_data_set(project: Path, write: object) -> None:
    document = write(spec_in(project))  # type: ignore[operator]
    project = project.rename(project.with_name("moved"))
    spec = located(document, here(project))
    assert spec.directory == str(project / "runs" / "studies" / "birds")
    assert spec.data == str(project / "data.yaml")


@pytest.mark.parametrize("write", [portable, as_an_earlier_version_wrote])
def test_a_home_that_moves_alone_leaves_the_data_set_where_it_is(project: Path, tmp_path: Path, write: object) -> None:
    document = write(spec_in(project))  # type: ignore[operator]
    home = (project / "runs").rename(tmp_path / "other")
    spec = located(document, Homes(here=home))
    assert (spec.directory, spec.data) == (str(home / "studies" / "birds"), str(project / "data.yaml"))


@pytest.mark.parametrize("write", [portable, as_an_earlier_version_wrote])
def test_nothing_moves_and_nothing_changes(project: Path, write: object) -> None:
    before = spec_in(project, weights="/w/a.pt", weights_of=(VariantWeights("yolov5n", "/w/a.pt", "0"),))
    spec = located(write(before), here(project))  # type: ignore[operator]
    assert replace(spec, home="") == before


def test_files_of_the_home_are_named_by_their_place_in_it(project: Path) -> None:
    file = str(project / "runs" / "w.pt")
    data = str(project / "runs" / "datasets" / "coco8.yaml")
    weights = (VariantWeights("yolov5n", file, "0"),)
    document = portable(replace(spec_in(project, weights=file, weights_of=weights), data=data))
    assert document["directory"] == "studies/birds"
    assert (document["data"], document["weights"]) == ("datasets/coco8.yaml", "w.pt")
    assert document["weights_of"][0][1] == "w.pt"
    spec = located(document, here(project))
    assert (spec.data, spec.weights, spec.weights_of) == (data, file, weights)


def test_a_home_beside_the_database_comes_first(project: Path, tmp_path: Path) -> None:
    document = portable(spec_in(project))
    copy = tmp_path / "copy"
    shutil.copytree(project / "runs", copy)
    assert located(document, Homes(here=project / "runs", beside=copy)).directory == str(copy / "studies" / "birds")
    assert located(document, Homes(here=copy)).directory == str(copy / "studies" / "birds")


def test_a_folder_of_the_same_name_in_another_home_is_not_taken(project: Path, tmp_path: Path) -> None:
    other = tmp_path / "automl-runs"
    (other / "studies" / "birds").mkdir(parents=True)
    old = as_an_earlier_version_wrote(spec_in(project))
    assert located(old, Homes(here=other)).directory == str(project / "runs" / "studies" / "birds")
    new = spec_in(project, key="a")
    moved.mark(Path(new.directory), "a")
    moved.mark(other / "studies" / "birds", "b")
    assert located(portable(new), Homes(here=other)).directory == new.directory


def test_files_that_are_gone_have_both_places_in_the_message(project: Path, tmp_path: Path) -> None:
    before = spec_in(project)
    shutil.rmtree(project)
    spec = located(portable(before), Homes(here=tmp_path / "home"))
    assert spec.directory == str(tmp_path / "home" / "studies" / "birds")
    assert moved.elsewhere(spec) == before.directory
    assert moved.elsewhere(before) == ""


@pytest.mark.parametrize("home", [r"C:\Users\me\automl-runs", "/folk/me/automl-runs"])
def test_a_home_of_another_operating_system_is_found(home: str, project: Path) -> None:
    join = "\\" if home.startswith("C") else "/"
    base = home.rpartition(join)[0]
    old = make_spec(data=join.join((base, "data.yaml")), directory=join.join((home, "studies", "birds")))
    for document in (portable(old), as_an_earlier_version_wrote(old)):
        spec = located(document, here(project))
        assert spec.directory == str(project / "runs" / "studies" / "birds")
        assert spec.data == str(project / "data.yaml")


def test_paths_with_nothing_in_common_but_the_root_are_not_guessed(project: Path) -> None:
    spec = located(portable(replace(spec_in(project), data="/elsewhere/data.yaml")), here(project))
    assert spec.data == "/elsewhere/data.yaml"


def test_a_folder_of_another_form_stays_as_it_is(tmp_path: Path) -> None:
    spec = make_spec(directory="/runs/birds")
    assert located(portable(spec), Homes(here=tmp_path)) == spec


def test_a_network_of_the_home_is_found_and_one_of_the_users_is_kept(project: Path, tmp_path: Path) -> None:
    model, own = str(project / "runs" / "networks" / "best-1.yaml"), str(tmp_path / "mine" / "yolov5s-own.yaml")
    Path(own).parent.mkdir()
    Path(own).write_text("nc: 2\n")
    before = spec_in(project)
    for file in (model, own, "yolov5n"):
        moved.keep_network(Path(before.directory), file)
    document = portable(before)
    project = project.rename(project.with_name("moved"))
    Path(own).unlink()
    spec = located(document, here(project))
    assert moved.network(spec, model) == str(project / "runs" / "networks" / "best-1.yaml")
    copy = Path(moved.network(spec, own))
    assert (copy.name, copy.read_text()) == ("yolov5s-own.yaml", "nc: 2\n")
    assert moved.network(spec, "yolov5n") == "yolov5n"


@pytest.mark.parametrize(
    "path", ["trials/00003/best.pt", "/old/studies/birds/trials/00003/best.pt", r"C:\runs\studies\b\trials\3\best.pt"]
)
def test_a_file_of_a_trial_lies_in_its_folder_whatever_the_row_says(path: str) -> None:
    assert folders.artifact("/new/birds", 3, path) == Path("/new/birds/trials/00003/best.pt")


def test_a_study_takes_its_folder_into_another_name(project: Path) -> None:
    new, old = portable(spec_in(project)), as_an_earlier_version_wrote(spec_in(project))
    assert (renamed(new, "owls")["name"], renamed(new, "owls")["directory"]) == ("owls", "studies/owls")
    assert renamed(old, "owls")["directory"] == str(project / "runs" / "studies" / "owls")
    other = portable(make_spec(directory="/runs/birds"))
    assert renamed(other, "owls")["directory"] == "/runs/birds"
