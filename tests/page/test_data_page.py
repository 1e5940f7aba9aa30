"""The view Data: the report of a data check, whole, empty, damaged, hostile, large."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Engine
from sqlalchemy import text as sql
from streamlit.testing.v1 import AppTest

from automl.records import DataReport, Place, Recommendation, Severity, Source
from automl.store.checks import keep
from automl.store.engine import open_store, writing
from dashboards import data_frames
from tests.builders.app import Fill, show, text, unharmed
from tests.builders.checks import AT, draw_pictures, make_finding, make_report, make_suspect
from tests.builders.pages import EVIL


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home folder of the page."""
    monkeypatch.setenv("AUTOML_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def store(url: str, home: Path) -> Iterator[Engine]:
    """The database that the page opens."""
    engine = open_store(url)
    yield engine
    engine.dispose()


def filled(store: Engine, home: Path, report: DataReport) -> int:
    """The report with its pictures; its id."""
    return keep(store, report, draw_pictures(home / "checks" / "1", report))


def images(app: AppTest) -> list[Any]:
    return [image for element in app.get("image") for image in element.proto.imgs]


def labels(app: AppTest) -> list[str]:
    """Titles of the findings, without escapes."""
    return [expander.label.replace("\\", "") for expander in app.expander]


def test_a_report_begins_with_its_verdict(store: Engine, home: Path) -> None:
    filled(store, home, make_report())
    app = unharmed(show("data"))
    assert app.title[0].value.replace("\\", "") == "birds/data.yaml: data"
    assert "cannot be trained on as they are: 1 error, 1 warning, 1 note. 5 labels may be wrong." in app.error[
        0
    ].value.replace("\\", "")
    for words in ("cost about .02 mAP50-95", "has judged val", "by automl 0.1.0 in 12", "150 images, 490 boxes"):
        assert words in text(app)
    assert "imgsz 640,1280" in text(app)
    assert "30 % are tiny. Source: measured." in text(app)
    assert labels(app) == [
        ":red-badge[error] 1 label row has a class that the data set does not have.",
        ":orange-badge[warning] Class wren has 100 boxes.",
        ":gray-badge[note] Images are 640 pixels wide.",
    ]


def test_the_first_error_is_open_with_its_places_and_pictures(store: Engine, home: Path) -> None:
    filled(store, home, make_report())
    app = unharmed(show("data"))
    places = app.dataframe[0].value
    assert list(places["place"]) == ["/data/birds/labels/a.txt:3"]
    assert list(places["problem"]) == ["class 7 of 2"]
    assert "Correct the class, or add its name" in text(app)
    assert "rows 1 · share 0.25" in text(app)
    assert len(images(app)) == 1
    assert len(unharmed(show("data", finding1="true")).dataframe) == 1  # a warning without places, opened by its link


def test_figures_are_tables_and_plots(store: Engine, home: Path) -> None:
    filled(store, home, make_report())
    app = unharmed(show("data", part="Figures"))
    splits, classes = (table.value for table in app.dataframe)
    assert list(splits.columns) == ["", "train", "val"]
    assert list(splits["train"]) == ["120", "400", "0.05"]
    assert list(splits["val"]) == ["30", "90", "–"]
    assert list(classes["class"]) == ["tit", "wren"]
    assert list(classes["train, boxes"]) == [300, 100]
    assert [image.caption for image in images(app)] == ["labels"]


def test_a_suspect_leads_to_its_crop_and_its_label(store: Engine, home: Path) -> None:
    filled(store, home, make_report())
    app = unharmed(show("data", part="Suspects"))
    assert len(images(app)) == 5
    assert list(app.dataframe[0].value["number"]) == [1, 2, 3, 4, 5]
    app.number_input(key="suspect").set_value(3)
    app = unharmed(app.run())
    assert [code.value for code in app.code][:2] == ["/data/birds/labels/00002.txt:3", "/data/birds/images/00002.jpg"]
    assert "Loose, an error with a chance of 100%. Labelled tit. The model proposes tit." in text(app)
    (crop,) = images(app)
    assert "00002" in crop.caption
    again = unharmed(show("data", part="Suspects", suspect="3"))  # the link that the page offers to share
    assert [image.caption for image in images(again)] == [crop.caption]


def test_suspects_are_sorted_filtered_and_paged(store: Engine, home: Path) -> None:
    keep(store, make_report(suspects=tuple(map(make_suspect, range(10_000)))))
    app = unharmed(show("data", part="Suspects"))
    assert len(app.dataframe[0].value) == 100
    assert "10,000 suspects, page 1 of 100" in text(app)
    app.selectbox(key="suspects_sort").set_value("least suspicious")
    assert next(iter(app.run().dataframe[0].value["number"])) == 10_000
    app.multiselect(key="kind").set_value(["missing"])
    app.multiselect(key="split").set_value(["train"])
    app.number_input(key="suspects_page").set_value(2)
    table = app.run().dataframe[0].value
    assert set(table["kind"]) == {"missing"}
    assert set(table["split"]) == {"train"}
    assert "834 suspects, page 2 of 9" in text(app)
    app.text_input(key="suspects_text").set_value("no such file")
    assert "No suspect fits these filters" in text(unharmed(app.run()))
    app.text_input(key="suspects_text").set_value("00024.TXT")
    assert list(app.run().dataframe[0].value["number"]) == [25]


def test_the_same_link_shows_the_same_suspects(store: Engine, home: Path) -> None:
    key = keep(store, make_report(suspects=tuple(map(make_suspect, range(300)))))
    link = {"report": str(key), "part": "Suspects", "kind": "loose", "suspects_sort": "least suspicious"}
    table = unharmed(show("data", **link)).dataframe[0].value
    assert set(table["kind"]) == {"loose"}
    assert list(table["number"][:2]) == [299, 295]


def test_without_suspects_the_page_says_how_to_find_them(store: Engine, home: Path) -> None:
    keep(store, make_report(suspects=()))
    app = unharmed(show("data", part="Suspects"))
    assert "automl check --data /data/birds/data.yaml" in text(app)
    assert "--baseline" in text(app)


def test_clean_data_are_called_so(store: Engine, home: Path) -> None:
    keep(store, make_report(findings=(), recommendations=(), suspects=(), plots={}, judged="", price=""))
    app = unharmed(show("data"))
    assert "These data can be trained on: nothing found." in app.success[0].value.replace("\\", "")
    assert "nothing to say" in text(app)


def test_pictures_that_are_gone_are_counted(store: Engine, home: Path) -> None:
    filled(store, home, make_report())
    for file in (home / "checks" / "1").rglob("*.*g"):
        file.unlink()
    for part, missing in (("Findings", "1 picture is"), ("Figures", "1 picture is"), ("Suspects", "5 pictures are")):
        app = unharmed(show("data", part=part))
        assert images(app) == []
        assert f"{missing} not on this machine" in text(app)


def test_a_damaged_picture_is_a_sentence(store: Engine, home: Path) -> None:
    filled(store, home, make_report())
    (home / "checks" / "1" / "labels.png").write_bytes(b"not a picture")
    app = unharmed(show("data", part="Figures"))
    assert "1 picture is damaged" in text(app)


SECRETS = [
    "../../secret.png",
    "/etc/passwd",
    "..",
    ".",
    "link.png",
    "x\0.png",
    "a" * 5000 + ".png",
    "notes.svg",
    "report.html",
]


@pytest.mark.parametrize("name", [*SECRETS, "{home}/secret.png"])
def test_no_name_leads_out_of_the_reports_folder(name: str, store: Engine, home: Path) -> None:
    report = make_report(plots={"labels": name.format(home=home)}, suspects=(make_suspect(picture=name),))
    folder = home / "checks" / "1"
    folder.mkdir(parents=True)
    for file in (home / "secret.png", folder / "inside.png", folder / "notes.svg", folder / "report.html"):
        file.write_bytes(b"secret")
    (folder / "link.png").symlink_to(home / "secret.png")
    keep(store, report, folder)
    for part in ("Figures", "Suspects"):
        app = unharmed(show("data", part=part))
        assert images(app) == []
        assert "damaged" not in text(app)  # it was not even read


@pytest.mark.parametrize("place", ["", "elsewhere/1", "checks/../private/1", "checks", "/", "checks/1/deeper"])
def test_a_row_cannot_name_a_folder_of_others(place: str, store: Engine, home: Path) -> None:
    key = filled(store, home, make_report())
    folder = home / place if place != "/" else Path("/")
    draw_pictures(home / place, make_report()) if place not in ("/", "") else None
    with writing(store) as connection:
        connection.execute(
            sql("UPDATE automl_checks SET folder = :folder WHERE id = :id"), {"folder": str(folder), "id": key}
        )
    assert images(unharmed(show("data", part="Figures"))) == []


def test_hostile_names_are_text(store: Engine, home: Path) -> None:
    report = make_report(
        data=f"/data/{EVIL}/data.yaml",
        names=(EVIL, "=cmd|' /C calc'!A0"),
        findings=tuple(
            make_finding(
                severity,
                title=EVIL,
                advice=EVIL,
                code=EVIL,
                split=EVIL,
                figures={EVIL: EVIL},
                places=(Place(file=EVIL, text=EVIL, other=EVIL, split=EVIL),),
            )
            for severity in Severity
        ),
        recommendations=(Recommendation(key=EVIL, value=EVIL, text=EVIL, why=EVIL, source=Source.GUIDE),),
        suspects=(make_suspect(1, image=f"=1+1{EVIL}.jpg", file="=HYPERLINK(1)", split=EVIL, why=EVIL, picture=""),),
        judged=EVIL,
        price=EVIL,
        plots={EVIL: "labels.png"},
        splits={EVIL: {EVIL: 1, "boxes_by_class": {EVIL: 3}}},
        version=EVIL,
        fingerprint=EVIL,
    )
    filled(store, home, report)
    for part, link in (
        ("Findings", {f"finding{n}": "true" for n in range(3)}),
        ("Figures", {}),
        ("Suspects", {"suspect": "1"}),
    ):
        app = unharmed(show("data", part=part, **link))
        shown = [
            str(element.value)
            for kind in ("title", "markdown", "caption", "info", "warning", "error", "subheader")
            for element in app.get(kind)
        ]
        shown += [expander.label for expander in app.expander] + [image.caption for image in images(app)]
        for value in shown:
            assert not re.search(r"(?<!\\)(<|\]\(|\*\*bold)", value)
        assert not app.get("html") or not any("<img" in element.proto.body for element in app.get("html"))
    table = pd.read_csv(io.BytesIO(data_frames.suspects_csv(report)))
    assert table["label_file"][0] == "'=HYPERLINK(1)"
    assert table["class_name"][0] == "'=cmd|' /C calc'!A0"
    assert table["image"][0].startswith("'=1+1")


def test_a_damaged_report_keeps_its_verdict(store: Engine, home: Path) -> None:
    keep(store, make_report())
    with writing(store) as connection:
        connection.execute(sql("UPDATE automl_checks SET report = :content"), {"content": b"damaged"})
    app = unharmed(show("data"))
    assert "1 error, 1 warning, 1 note" in text(app)
    assert "cannot be read" in text(app)
    assert "automl check" in text(app)


def test_a_report_of_another_version_shows_what_can_be_read(store: Engine, home: Path) -> None:
    import zlib

    key = keep(store, make_report())
    document = make_report().as_document()
    document["findings"][0]["severity"] = "fatal"
    document["new"] = {"a": 1}
    del document["plots"], document["price"]
    content = zlib.compress(json.dumps(document).encode())
    with writing(store) as connection:
        connection.execute(
            sql("UPDATE automl_checks SET report = :content WHERE id = :id"), {"content": content, "id": key}
        )
    app = unharmed(show("data"))
    assert "1 entry of this report is left out here" in text(app)
    assert len(labels(app)) == 2
    for part in ("Figures", "Suspects"):
        unharmed(show("data", part=part))


ODD: list[dict[str, Any]] = [
    {"splits": {}},
    {"splits": {"train": {}}},
    {
        "splits": {
            "train": {"images": None, "boxes": 3, "boxes_by_class": [1, 2, 3], "width": [1.0, 2.0, 3.0, 4.0, 5.0]}
        }
    },
    {"splits": {"train": {"under_px": {"640": {"8": 0.1}}, "long": list(range(99)), "boxes_by_class": None}}},
    {"names": (), "fingerprint": ""},
    {"at": 0.0, "seconds": 0.0, "version": ""},
    {
        "findings": (
            make_finding(count=5000, pictures=("", "a.png", "a.png")),
            make_finding(figures={"a": {"b": 1}, "c": None}),
        )
    },
    {"suspects": (make_suspect(score=float("nan"), label_class=99, proposed_class=-1, picture="", why=""),)},
    {"plots": {"": ""}},
]


@pytest.mark.parametrize("changes", ODD)
@pytest.mark.parametrize("part", ["Findings", "Figures", "Suspects"])
def test_a_report_of_any_shape_is_shown(part: str, changes: dict[str, Any], store: Engine, home: Path) -> None:
    keep(store, make_report(**changes))
    unharmed(show("data", part=part, suspect="1", finding1="true"))


def test_a_study_shows_the_report_on_its_data(store: Engine, home: Path, fill: Fill) -> None:
    fill().close()
    nothing = unharmed(show("data", study="birds"))
    assert "There is no report on this data set" in text(nothing)
    assert "automl check --data /data/birds/data.yaml" in text(nothing)
    keep(store, make_report())
    keep(store, make_report(data="/data/bees/data.yaml", fingerprint="sha256:1", at=AT + 1))
    app = unharmed(show("data", study="birds"))
    assert app.title[0].value.replace("\\", "") == "birds/data.yaml: data"
    assert "Data of study birds" in text(app)
    assert unharmed(show("data")).title[0].value.replace("\\", "") == "bees/data.yaml: data"  # the newest


def test_a_report_on_another_state_of_the_data_says_so(store: Engine, home: Path, fill: Fill) -> None:
    fill().close()
    keep(store, make_report(fingerprint="sha256:1"))
    assert "was begun on another state of this data set" in text(unharmed(show("data", study="birds")))


def test_a_report_leads_to_its_studies_and_a_study_to_its_data(store: Engine, home: Path, fill: Fill) -> None:
    fill().close()
    keep(store, make_report())
    linked = unharmed(show("data")).get("page_link")
    assert [(link.proto.label, link.proto.query_string) for link in linked] == [("birds", "study=birds")]
    study = unharmed(show("study", study="birds")).get("page_link")
    assert [link.proto.query_string for link in study if link.proto.page.endswith("data")] == ["study=birds"]


def test_another_report_is_chosen_from_the_list(store: Engine, home: Path) -> None:
    first = keep(store, make_report(data="/data/bees/data.yaml", fingerprint="sha256:1", at=AT - 1))
    keep(store, make_report())
    app = unharmed(show("data"))
    (box,) = app.selectbox
    box.set_value(first)
    app = unharmed(app.run())
    assert app.title[0].value.replace("\\", "") == "bees/data.yaml: data"
    assert app.query_params["report"] == str(first)


@pytest.mark.parametrize("number", ["99", "-1", "x", "9" * 30, ""])
def test_an_unknown_report_is_a_sentence(number: str, store: Engine, home: Path) -> None:
    keep(store, make_report())
    app = show("data", report=number)
    assert not app.exception
    assert "unknown data report" in text(app)


def test_the_report_can_be_downloaded(store: Engine, home: Path) -> None:
    filled(store, home, make_report())
    assert [button.label for button in show("data").get("download_button")] == ["Report (JSON)", "Suspects (CSV)"]
    (home / "checks" / "1" / "report.html").write_text("<p>report</p>")
    assert [button.label for button in show("data").get("download_button")][2:] == ["Report (HTML, 0.0 MB)"]
