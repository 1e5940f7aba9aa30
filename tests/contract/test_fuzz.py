"""Label files, lists and data.yamls of any content: read or refused in a sentence, never a crash.

`make test` tries some dozens of each, `make test-long` 10,000.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automl.checks.report import report_of
from automl.checks.scan import scan
from automl.data import read_dataset
from automl.data.labels import LabelRules, label_path, parse_rows, read_rows
from automl.data.listing import look_for_images
from automl.errors import BadData
from tests.builders.data_folder import BOX, write_image

NC = 3
Check = Callable[[Any], None]
AMOUNTS = [
    pytest.param(40, id="some"),
    pytest.param(10_000, id="many", marks=pytest.mark.long),
]

fraction = st.sampled_from(("0", "1", "0.5", ".25", "0.1", "1e-1", "1.005", "-0.005", "0.999", "5e-324"))
odd = st.sampled_from(
    (
        "nan",
        "inf",
        "-inf",
        "-0",
        "-0.5",
        "1.5",
        "16",
        "640",
        "cat",
        "0,5",
        "1_0",
        "0x1",
        "1e999",
        "²",
        "٣",
        "--1",
        "1e",
        "",
    )
)
kind = st.sampled_from(("0", "1", "2", "2.0", "3", "-1", "1.5", "nan", "1e9", "-0.0", "cat"))
word = st.one_of(fraction, fraction, fraction, fraction, fraction, fraction, odd)
gap = st.sampled_from((" ", " ", " ", "  ", "\t", "\u00a0", "\u3000"))
end = st.sampled_from(("\n", "\n", "\r\n", "\r", "\n\n", "\x0b", "\u2028", " \n"))
mark = st.sampled_from(("", "", "\ufeff"))


@st.composite
def row(draw: st.DrawFn) -> str:
    columns = draw(st.sampled_from((4, 4, 4, 4, 4, 6, 8, 3, 5, 0, 1, 2, 7)))
    words = [draw(kind), *(draw(word) for _ in range(columns))]
    return draw(gap).join(words) + draw(end)


labels = st.one_of(
    st.builds(lambda mark, rows: (mark + "".join(rows)).encode(), mark, st.lists(row(), max_size=4)),
    st.binary(max_size=60),
    st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.lists(row(), max_size=2).map(lambda rows: "".join(rows).encode("utf-16")),
)
line = st.one_of(
    st.sampled_from(
        ("./images/train/a.jpg", "images/train/b.jpg", "./gone.jpg", "", "# no", "./images/train", "\0.jpg")
    ),
    st.text(max_size=20),
    st.text(max_size=10).map(lambda text: f"./{text}.jpg"),
)
entry = st.one_of(  # without / and .., which lead out of the folder
    st.sampled_from(("images/train", "images/val", "gone", "list.txt", "labels/train/a.txt", ".", "", "../images/val")),
    st.text(max_size=8).filter(lambda text: not {*"/.~\\"} & {*text}),
)
value = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 9), st.floats(), st.dates(), entry),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.integers(0, 3) | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)
key = st.sampled_from(
    ("path", "train", "val", "validation", "test", "names", "nc", "channels", "kpt_shape", "flip_idx")
)
document = st.fixed_dictionaries(
    {"train": st.just("images/train"), "val": st.just("images/val"), "names": st.just(["cat", "dog", "bird"])}
).flatmap(lambda usual: st.dictionaries(key, value, max_size=3).map(lambda changes: {**usual, **changes}))
texts = st.one_of(
    document.map(lambda content: yaml.safe_dump(content, allow_unicode=True).encode("utf-8", "replace")),
    st.binary(max_size=60),
    st.text("abc:-[]{}#&*!|>'\"\n\t ,0?%@\\", max_size=40).map(str.encode),
)


def on_every(strategy: st.SearchStrategy[Any], amount: int, check: Check) -> None:
    quick = settings(max_examples=amount, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    quick(given(strategy)(check))()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data set of two images a split."""
    for name in ("train/a", "train/b", "val/a", "val/b"):
        write_image(tmp_path / f"images/{name}.jpg", BOX)
    (tmp_path / "list.txt").write_text("./images/train/a.jpg\n./gone.jpg\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def verify(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Ultralytics' verdict on the label file of an image: its labels, None where it leaves the image out."""
    for name, setting in {"YOLO_CONFIG_DIR": str(folder), "YOLO_OFFLINE": "1", "YOLO_AUTOINSTALL": "0"}.items():
        monkeypatch.setenv(name, os.environ.get(name, setting))
    from ultralytics.data.utils import verify_image_label

    return lambda image: verify_image_label((image, label_path(image), "", False, NC, 0, 0, False))[1]


@pytest.mark.parametrize("amount", AMOUNTS)
def test_label_files_are_usable_for_ultralytics_too_or_for_neither(
    folder: Path, verify: Callable[[str], Any], amount: int
) -> None:
    image = str(folder / "images/train/a.jpg")

    def check(content: bytes) -> None:
        if content in (b"\xef", b"\xef\xbb"):  # the beginning of a mark, which is nothing to Ultralytics
            return
        Path(label_path(image)).write_bytes(content)
        rows = read_rows(label_path(image), LabelRules(nc=NC))
        if rows.outlined and any("3 columns" in problem.text for problem in rows.problems):
            return  # a point among polygons, which Ultralytics takes for a box without a size
        theirs = verify(image)
        assert (theirs is None) == bool(rows.problems)
        if theirs is not None:
            ours = {(row.kind, *(round(side, 5) for side in row.box)) for row in rows.usable}
            assert ours == {(int(label[0]), *(round(float(side), 5) for side in label[1:])) for label in theirs}

    on_every(labels, amount, check)


@pytest.mark.parametrize("amount", AMOUNTS)
def test_every_row_of_a_label_file_is_a_box_or_a_problem(amount: int) -> None:
    def check(content: bytes) -> None:
        text = content.decode("utf-8-sig", "replace")
        rows = parse_rows(text, LabelRules(nc=NC))
        lines = sorted([*(row.line for row in rows.usable), *(problem.line for problem in rows.problems)])
        assert lines == [number for number, line in enumerate(text.splitlines(), start=1) if line.strip()]

    on_every(labels, amount, check)


@pytest.mark.parametrize("amount", AMOUNTS)
def test_every_line_of_a_list_is_an_image_or_named(folder: Path, amount: int) -> None:
    file = folder / "any.txt"

    def check(content: bytes) -> None:
        file.write_bytes(content)
        try:
            listing = look_for_images(file)
        except BadData:
            return
        lines = file.read_text(encoding="utf-8-sig").splitlines()
        named = len(listing.images) + len(listing.lines) + len(listing.missing)
        assert named == sum(bool(line.strip()) for line in lines)

    lists = st.lists(line, max_size=5).map(lambda lines: "\n".join(lines).encode("utf-8", "surrogatepass"))
    on_every(st.one_of(lists, st.binary(max_size=40)), amount, check)


@pytest.mark.parametrize("amount", AMOUNTS)
def test_a_data_yaml_is_read_or_refused(folder: Path, amount: int) -> None:
    file = folder / "data.yaml"

    def check(content: bytes) -> None:
        file.write_bytes(content)
        try:
            report = report_of(scan(file, pixels=False))
        except BadData:
            report = None
        try:
            read_dataset(file)
        except BadData:
            return
        assert report is not None
        assert report.trainable

    on_every(texts, amount, check)
