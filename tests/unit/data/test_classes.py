"""Names of classes, as they are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from automl.data import fingerprint, read_dataset, write_resolved
from automl.data.dataset import fingerprints, known_fingerprints
from tests.builders.data_folder import Make

READINGS = {  # a name as it is written, and as Ultralytics reads it
    **{"yes": "True", "no": "False", "on": "True", "off": "False", "null": "None", "~": "None"},
    **{"02146": "1126", "007": "7", "1_000": "1000", "0x10": "16", ".5": "0.5", "1.10": "1.1"},
    **{"1e3": "1e3", "12:30": "750", "2024-01-01": "2024-01-01"},
}
ODD, FOR_YOLO = tuple(READINGS), tuple(READINGS.values())


def named(file: Path, names: str) -> Path:
    """The data.yaml with these names."""
    file.write_text(f"train: images/train\nval: images/val\nnames: {names}\n")
    return file


@pytest.mark.parametrize("form", ["list", "block", "mapping", "padded"])
def test_names_are_taken_as_they_are_written(make: Make, form: str) -> None:
    forms = {
        "list": "[" + ", ".join(ODD) + "]",
        "block": "".join(f"\n- {name}" for name in ODD),
        "mapping": "".join(f"\n  {number}: {name}" for number, name in enumerate(ODD)),
        "padded": "".join(f"\n  {number:02}: {name}  # a comment" for number, name in enumerate(ODD)),
    }
    dataset = read_dataset(named(make(), forms[form]))
    assert dataset.names == ODD
    assert dataset.former_names == FOR_YOLO


def test_the_text_reaches_ultralytics_through_the_resolved_file(make: Make, tmp_path: Path) -> None:
    target = write_resolved(read_dataset(named(make(), f"[{', '.join(ODD)}]")), tmp_path / "study" / "data.yaml")
    resolved = read_dataset(target)
    assert (resolved.names, resolved.former_names) == (ODD, ())


def test_a_note_says_which_names_ultralytics_would_read_otherwise(make: Make) -> None:
    (note,) = read_dataset(named(make(), "[yes, cat, 007]")).notes
    assert note.startswith(
        "Class names are taken as written: yes, 007. From data.yaml itself Ultralytics reads True, 7;"
    )
    assert read_dataset(named(make(), "['yes', cat, \"007\"]")).notes == ()


def test_a_name_that_is_not_there_is_called_as_ultralytics_calls_it(make: Make) -> None:
    assert read_dataset(named(make(), "\n- cat\n-\n")).names == ("cat", "None")


def test_a_study_of_an_earlier_version_knows_the_names_as_it_read_them(make: Make) -> None:
    file = named(make(), "[yes, 007]")
    ours, theirs = fingerprints(read_dataset(file))
    former = fingerprint(read_dataset(named(file, "['True', '7']")))
    assert theirs == former
    assert ours == fingerprint(read_dataset(named(file, "['yes', '007']")))
    assert former in known_fingerprints(named(file, "[yes, 007]"), test=False)


@pytest.mark.parametrize(
    ("names", "digest"),
    [("[cat, dog]", "422bcb0a6e3bea276c95712cfeb29b66"), ("[yes, 007]", "91f9b033008337df2f7104fd2ed197a3")],
)
def test_digests_of_an_earlier_version_are_known(make: Make, names: str, digest: str) -> None:
    file = named(make(), names)
    for image in file.parent.rglob("*.jpg"):
        image.write_bytes(b"pixels")
    assert f"sha256:{digest}" in known_fingerprints(file, test=False)
    assert (fingerprint(read_dataset(file)) == f"sha256:{digest}") == (names == "[cat, dog]")
