"""Text of a file of another tool, or a sentence on why it cannot be read."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from pathlib import Path

from automl.setup.foreign.content import bad

FORMATS = (".csv", ".json", ".ndjson", ".jsonl", ".yaml", ".yml")
MOST_BYTES = 64 * 2**20  # of a table that is read: a search uses the best few recipes of any number
MOST_YAML_BYTES = 2**20  # of one recipe; YAML is slow to read
_PACKED = "is compressed; unpack it first"
_SHEET = "is a spreadsheet; save it as CSV, with commas between the columns and points in the numbers"
_PICKLE = "is a pickle, which can run code when it is opened; name a CSV, JSON or YAML file"
_DATABASE = (
    "is a database. Write a study of Optuna as a table first, in Python: optuna.load_study(study_name=None, "
    "storage='sqlite:///{name}').trials_dataframe().to_csv('trials.csv'). A study of automl goes by its name, with --db"
)
_REASONS: Mapping[str, str] = {
    **dict.fromkeys((".gz", ".zip", ".tar", ".tgz", ".bz2", ".xz", ".7z", ".zst"), _PACKED),
    **dict.fromkeys((".xlsx", ".xls", ".ods"), _SHEET),
    **dict.fromkeys((".pkl", ".pickle", ".joblib"), _PICKLE),
    **dict.fromkeys((".db", ".sqlite", ".sqlite3"), _DATABASE),
    **dict.fromkeys((".parquet", ".feather", ".arrow"), "is a binary table; save it as CSV"),
    ".py": "is a program, which is not run; name a CSV, JSON or YAML file",
    ".tsv": "has tabs between its columns; save it as CSV with commas",
}


def read_text(file: Path) -> str:
    """The file's text. Raises AutoMLError for what is no text, not UTF-8 or too large."""
    suffix = file.suffix.lower()
    if suffix in (".pt", ".pth", ".safetensors", ".onnx"):
        raise bad(file, _on_weights(file))
    if suffix in _REASONS:
        raise bad(file, _REASONS[suffix].format(name=file.name))
    if suffix not in FORMATS:
        raise bad(file, f"is of a kind that is not known; files end in {', '.join(FORMATS)}{_on_text(file)}")
    try:
        most = MOST_YAML_BYTES if suffix in (".yaml", ".yml") else MOST_BYTES
        if file.stat().st_size > most:
            raise bad(file, f"is larger than {most >> 20} MB; keep the best recipes only")
        content = file.read_bytes()
    except OSError as error:
        raise bad(file, f"cannot be read ({error.strerror}). Check the path") from None
    return _decoded(file, content)


def _decoded(file: Path, content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise bad(file, "is text in UTF-16; save it as UTF-8")
    if content.startswith((b"\x1f\x8b", b"PK\x03\x04")):
        raise bad(file, _PACKED)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise bad(file, "is no text in UTF-8; save it as UTF-8") from None
    if "\x00" in text:
        raise bad(file, "is no text in UTF-8; save it as UTF-8")
    return text


def _on_weights(file: Path) -> str:
    """Sentence on a checkpoint: its recipe lies in the folder of its run."""
    arguments = file.absolute().parent.parent / "args.yaml"
    place = f", {arguments}" if arguments.is_file() else ""
    return f"is a checkpoint: name it with --weights. Its recipe is the args.yaml of its run's folder{place}"


def _on_text(file: Path) -> str:
    """Hint for text files of YOLOv5's first versions, which have no header."""
    if file.name in ("evolve.txt", "results.txt"):
        return f". {file.name} names no arguments: name the hyp.yaml or hyp_evolved.yaml beside it"
    return ""
