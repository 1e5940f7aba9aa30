"""Images of every split, found in spite of whatever is wrong in a data.yaml; what is wrong becomes findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from automl.checks.found import counted
from automl.checks.tasks import on_tasks
from automl.data.classes import MOST_CLASSES, check_channels, keypoint_columns, names_for_yolo, read_names
from automl.data.document import Document
from automl.data.images import SPLITS, TEST, Entries, SplitImages, entries_of, root_of, source_of
from automl.data.listing import IMAGE_SUFFIXES, Listing, look_for_images
from automl.errors import BadData
from automl.records import Finding, Place, Severity

MOST = 1000  # places of a finding


_ONE = (  # verbs of a title about more things, and about one
    (" name ", " names "),
    ("files that do not exist", "a file that does not exist"),
    (" are ", " is "),
    (" lead ", " leads "),
    ("that holds them", "that holds it"),
    (" read them as images", " read it as an image"),
)


@dataclass
class Contents:
    """Everything that a data.yaml says, as far as it can be read."""

    names: tuple[str, ...] | None  # None where they cannot be read
    channels: int
    keypoint_columns: int
    splits: dict[str, SplitImages] = field(default_factory=dict)
    noted: list[Finding] = field(default_factory=list)

    @property
    def nc(self) -> int:
        """Number of classes that labels may name."""
        return MOST_CLASSES if self.names is None else len(self.names)


def read_contents(document: Document, splits: Collection[str]) -> Contents:
    """Classes and images that a data.yaml names."""
    contents = Contents(names=None, channels=3, keypoint_columns=0)
    noted = contents.noted
    try:
        contents.names = read_names(document)
        noted += _on_names(document, contents.names)
    except BadData as error:
        noted.append(_broken("data/names", error))
        contents.names = _rough_names(document.values)
    try:
        check_channels(document)
        contents.channels = int(document.values.get("channels") or 3)
        contents.keypoint_columns = keypoint_columns(document)
    except BadData as error:
        noted.append(_broken("data/keys", error))
    noted += on_tasks(document)
    root, finding = _root(document)
    noted += finding
    for split in SPLITS:
        if split in splits:
            images = _images(document, root, split, noted)
            if images is not None:
                contents.splits[split] = images
    return contents


def _rough_names(values: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Names that the user most likely means, where the file contradicts itself."""
    names = values.get("names")
    if isinstance(names, dict):
        names = list(names.values())
    return tuple(map(str, names)) if isinstance(names, list) and names else None


def _on_names(document: Document, names: Sequence[str]) -> Iterator[Finding]:
    theirs = names_for_yolo(document)
    pairs = [pair for pair in zip(names, theirs, strict=False) if pair[0] != pair[1]]
    line = document.lines.get("names")
    if pairs or len(theirs) != len(names):
        places = [f"'{own}' is read as '{other}'" for own, other in pairs] or ["ids that Ultralytics cannot read"]
        yield Finding(
            code="data/names-read-otherwise",
            severity=Severity.NOTE,
            title=f"{len(pairs) or len(names)} class names are read otherwise by Ultralytics itself.",
            advice="Put quotes around these names. `automl search` takes them as they are written.",
            count=len(pairs) or len(names),
            places=tuple(Place(file=str(document.file), line=line, text=text) for text in places),
        )
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        yield Finding(
            code="data/names-repeated",
            severity=Severity.WARNING,
            title=f"{counted(len(repeated), 'class name stands', 'class names stand')} "
            f"for more than one class: {', '.join(repeated[:3])}.",
            advice="Give each class a name of its own, or merge the classes in the label files.",
            count=len(repeated),
            places=tuple(Place(file=str(document.file), line=line, text=f"'{name}'") for name in repeated[:MOST]),
        )


def _root(document: Document) -> tuple[Path, list[Finding]]:
    """Folder from which relative splits start; that of the file itself where `path` leads nowhere."""
    try:
        root = root_of(document)
    except BadData as error:
        return document.file.parent.resolve(), [_broken("data/path", error)]
    path = document.values.get("path")
    if not path or Path(path).is_absolute():
        return root, []
    place = Place(file=str(document.file), line=document.lines.get("path"), text=f"'path: {path}', read as {root}")
    finding = Finding(
        code="data/path-relative",
        severity=Severity.NOTE,
        title=f"'path: {path}' is relative: Ultralytics itself looks in the current directory, not beside the file.",
        advice="Remove 'path', or write it in full. `automl search` looks beside the file first.",
        places=(place,),
    )
    return root, [finding]


def _images(document: Document, root: Path, split: str, noted: list[Finding]) -> SplitImages | None:
    try:
        entries = entries_of(document, split)
    except BadData as error:
        noted.append(_broken("splits/value", error, split))
        return None
    if entries is None:
        if split != TEST:
            noted.append(_absent(document, split))
        return None
    problems = len(noted)
    listings = list(_listings(document, root, split, entries, noted))
    noted += [finding for listing in listings for finding in on_listing(listing, split)]
    images = sorted(image for listing in listings for image in listing.images)
    sources = tuple(listing.source for listing in listings)
    if not images and not any(finding.severity is _refused(split) for finding in noted[problems:]):
        noted.append(_empty(document, split, entries, sources))
    return SplitImages(split=split, key=entries.key, sources=sources, images=tuple(images)) if images else None


def _listings(document: Document, root: Path, split: str, entries: Entries, noted: list[Finding]) -> Iterator[Listing]:
    for text in entries.texts:
        try:
            yield look_for_images(source_of(document, root, entries, text))
        except BadData as error:
            noted.append(_broken("splits/source", error, split))


def on_listing(listing: Listing, split: str) -> Iterator[Finding]:
    """Findings on what lies in the way of the images of one source."""
    source = str(listing.source)

    refused = _refused(split)

    def found(code: str, severity: Severity, title: str, advice: str, places: Sequence[Place]) -> Iterator[Finding]:
        if places:
            yield Finding(
                code=code,
                severity=severity,
                title=f"{len(places)} {_for(len(places), title)}.",
                advice=advice,
                split=split,
                count=len(places),
                places=tuple(replace(place, split=split) for place in places[:MOST]),
            )

    def lines(entries: Sequence[tuple[int, str]]) -> list[Place]:
        return [Place(file=source, line=number, text=text[:200]) for number, text in entries]

    yield from found(
        "lists/missing",
        refused,
        f"lines of {listing.source.name} name files that do not exist",
        "Correct the lines or remove them. Ultralytics leaves such images out with a warning.",
        lines(listing.missing),
    )
    yield from found(
        "lists/no-image",
        Severity.WARNING,
        f"lines of {listing.source.name} name no image that Ultralytics reads",
        "Remove comments and other text; a line holds one path, without spaces behind it.",
        lines(listing.lines),
    )
    yield from found(
        "lists/relative",
        Severity.NOTE,
        f"lines of {listing.source.name} are relative without ./",
        "Ultralytics itself reads them from the current directory. Begin them with ./ or write them in full. "
        "`automl search` reads them from the folder of the list.",
        lines(listing.loose),
    )
    yield from found(
        "images/folder-closed",
        refused,
        f"folders of {split} cannot be read",
        "Check their permissions. Ultralytics passes them over in silence.",
        [Place(file=folder, text=f"cannot be read ({reason})") for folder, reason in listing.closed],
    )
    yield from found(
        "images/link-loop",
        refused,
        f"links in {split} lead back to a folder that holds them",
        "Remove the links. Ultralytics follows them in circles and counts each image about 40 times.",
        [Place(file=folder, text="a link to a folder that holds it") for folder in listing.loops],
    )
    yield from found(
        "images/folder-named-like-image",
        Severity.WARNING,
        f"folders of {split} are named like an image",
        "Rename them: Ultralytics takes each for a damaged image.",
        [Place(file=folder, text="a folder") for folder in listing.folders],
    )
    yield from found(
        "images/left-out",
        Severity.WARNING,
        f"files of {split} are left out: Ultralytics does not read them as images",
        f"Convert or rename them, or move them away. Known kinds: {', '.join(sorted(IMAGE_SUFFIXES))}.",
        [Place(file=file, text="no suffix of an image, or hidden") for file in sorted(listing.others)],
    )


def _for(count: int, title: str) -> str:
    """The words after a number, for one thing or for more."""
    if count != 1:
        return title
    noun, _, rest = title.partition(" ")
    for many, one in _ONE:
        rest = rest.replace(many, one, 1)
    return f"{noun.removesuffix('s')} {rest}"


def _broken(code: str, error: BadData, split: str = "") -> Finding:
    place = Place(file=str(error.file), line=error.line, split=split, text=error.problem)
    line = f"line {error.line} of " if error.line is not None else ""
    advice = error.way_out or f"Correct {line}{error.file.name}, then check again."
    return Finding(
        code=code, severity=_refused(split), title=error.problem, advice=advice, split=split, places=(place,)
    )


def _refused(split: str) -> Severity:
    """Severity of what a search refuses; without a test split it goes on, and says so."""
    return Severity.WARNING if split == TEST else Severity.ERROR


def _absent(document: Document, split: str) -> Finding:
    misnamed = split == "val" and "valid" in document.values  # which Ultralytics does not read
    return Finding(
        code="splits/absent",
        severity=Severity.ERROR,
        title=f"{document.file.name} has no '{split}'.",
        advice="Rename 'valid' to 'val'." if misnamed else f"Add '{split}:' with the folder of its images.",
        split=split,
        places=(Place(file=str(document.file), line=document.lines.get(split), split=split),),
    )


def _empty(document: Document, split: str, entries: Entries, sources: Sequence[Path]) -> Finding:
    place = Place(file=str(document.file), line=document.lines.get(entries.key), split=split)
    return Finding(
        code="splits/empty",
        severity=_refused(split),
        title=f"'{entries.key}' has no images in {' and '.join(map(str, sources))}.",
        advice=f"Correct '{entries.key}'. Known kinds of images: {', '.join(sorted(IMAGE_SUFFIXES))}.",
        split=split,
        places=(place,),
    )
