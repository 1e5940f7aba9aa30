"""Values of any type in any place are a sentence or a note, never a crash."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from automl.data.conversion import convert
from automl.data.dataset import read_dataset
from automl.errors import BadData
from tests.builders.annotations import OBJECT, coco, voc, voc_text

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=9),
    st.lists(st.floats(), max_size=5),
    st.dictionaries(st.sampled_from(["id", "name", "file_name", "bbox"]), st.integers(), max_size=2),
)
PLACES = (
    *(("images", key) for key in ("id", "file_name", "width", "height")),
    *(("annotations", key) for key in ("image_id", "category_id", "bbox", "iscrowd", "segmentation")),
    *(("categories", key) for key in ("id", "name")),
)


def usable_or_refused(source: Path, kind: str, target: Path) -> None:
    try:
        conversion = convert(source, kind, target)
    except BadData:
        return
    assert read_dataset(conversion.data).train.boxes


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(PLACES), ODD)
def test_any_value_in_coco(place: tuple[str, str], value: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = coco(Path(folder) / "source")
        document = json.loads(source.read_text(encoding="utf-8"))
        document[place[0]][0][place[1]] = value
        source.write_text(json.dumps(document), encoding="utf-8")
        usable_or_refused(source, "coco", Path(folder) / "out")


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["20", "10", "60", "40", "cat", "bndbox", "object", "200", "1.jpg", "size"]), st.text(max_size=9)
)
def test_any_text_in_voc(word: str, text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = voc(Path(folder) / "source")
        changed = voc_text(OBJECT.format(more="")).replace(word, text)
        (source / "Annotations" / "1.xml").write_bytes(changed.encode("utf-8", "surrogatepass"))
        usable_or_refused(source, "voc", Path(folder) / "out")
