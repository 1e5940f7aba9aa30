"""Image files that cannot be trained on, or that are not what they seem, are named."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from automl.checks.scan import scan
from automl.records import Severity
from tests.builders.checked import findings_of, places_of
from tests.builders.damaged import DAMAGED, LFS, SOUND
from tests.builders.data_folder import BOX, Make, image_bytes, write_image


def put(data: Path, content: bytes, name: str = "a.jpg") -> Path:
    """An image of train with another content."""
    (data.parent / "images/train/a.jpg").unlink()
    image = data.parent / "images/train" / name
    image.write_bytes(content)
    return image


@pytest.mark.parametrize("pixels", [False, True])
@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_image_is_an_error(make: Make, name: str, pixels: bool) -> None:
    data = make()
    image = put(data, DAMAGED[name].content, f"a.{DAMAGED[name].suffix}")
    facts = scan(data, pixels=pixels)
    assert list(facts.splits["train"].flaws) == [0]
    errors = [finding for finding in findings_of(data, pixels=pixels).values() if finding.severity is Severity.ERROR]
    assert [finding.places[0].file for finding in errors] == [str(image)]


def test_a_jpeg_that_opencv_does_not_decode_is_found_by_its_pixels(make: Make) -> None:
    data, content = make(), image_bytes("JPEG", (320, 240))
    put(data, content.replace(b"\xff\xc0", b"\xff\xc3", 1))  # lossless, by its header
    assert "images/unreadable" not in findings_of(data)
    assert places_of(data, "images/unreadable", pixels=True) == [("a.jpg", None)]


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_image_is_none(make: Make, name: str) -> None:
    data = make()
    put(data, SOUND[name].content, f"a.{SOUND[name].suffix}")
    facts = scan(data)
    assert (facts.splits["train"].flaws, facts.splits["train"].decoded.tolist()) == ({}, [True, True])
    assert not any(finding.severity is Severity.ERROR for finding in findings_of(data, pixels=True).values())


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "images/unreadable"),
        (LFS, "images/pointer"),
        (image_bytes("GIF", (96, 64), "P"), "images/foreign"),
        (image_bytes("JPEG", (9, 40)), "images/too-small"),
    ],
)
def test_each_fault_has_its_code(make: Make, content: bytes, code: str) -> None:
    data = make()
    put(data, content)
    assert places_of(data, code) == [("a.jpg", None)]


def test_heic_without_a_reader_says_what_to_install(make: Make) -> None:
    pytest.importorskip("PIL")
    from importlib.util import find_spec

    if find_spec("pi_heif") is not None:
        pytest.skip("pi-heif is installed")
    data = make()
    put(data, b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 500, "a.heic")
    finding = findings_of(data)["images/no-reader"]
    assert "pip install pi-heif" in finding.advice


def exif(orientation: int) -> bytes:
    entries = Image.Exif()
    entries[0x0112] = orientation
    buffer = io.BytesIO()
    Image.open(io.BytesIO(image_bytes())).save(buffer, "JPEG", exif=entries)
    return buffer.getvalue()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_image_has_the_size_in_which_it_is_shown(make: Make, orientation: int) -> None:
    data = make()
    put(data, exif(orientation))
    train = scan(data, pixels=False).splits["train"]
    assert (int(train.width[0]), int(train.height[0])) == ((24, 32) if orientation > 4 else (32, 24))
    assert bool(train.turned[0]) == (orientation > 1)
    assert ("images/exif-turned" in findings_of(data)) == (orientation > 1)


def animated() -> bytes:
    frames = [Image.new("RGB", (32, 24), (shade, 0, 0)) for shade in (0, 200)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "WEBP", save_all=True, append_images=frames[1:])
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (image_bytes("PNG"), "a.jpg", "images/misnamed"),
        (image_bytes("PNG", (32, 24), "I;16"), "a.png", "images/deep"),
        (image_bytes("JPEG", (32, 24), "CMYK"), "a.jpg", "images/cmyk"),
        (image_bytes("PNG", (32, 24), "RGBA"), "a.png", "images/transparent"),
        (image_bytes("JPEG", (32, 24), "L"), "a.jpg", "images/grey"),
        (image_bytes() + b"\0\0", "a.jpg", "images/rewritten"),
        (animated(), "a.webp", "images/frames"),
    ],
)
def test_a_trait_is_named(make: Make, content: bytes, name: str, code: str) -> None:
    data = make()
    put(data, content, name)
    finding = findings_of(data)[code]
    assert [Path(place.file).name for place in finding.places] == [name]
    assert finding.severity is not Severity.ERROR


def plain(kind: str, width: int, height: int) -> bytes:
    """A black image, which is small as a file."""
    buffer = io.BytesIO()
    Image.new("1" if kind == "PNG" else "L", (width, height)).save(buffer, kind)
    return buffer.getvalue()


def test_a_very_large_image_is_an_error_and_a_large_one_a_note(make: Make) -> None:
    data = make()
    put(data, plain("PNG", 20_000, 20_000), "a.png")
    assert places_of(data, "images/foreign") == [("a.png", None)]
    (data.parent / "images/train/b.jpg").write_bytes(plain("JPEG", 6000, 5000))
    assert places_of(data, "images/large", pixels=True) == [("b.jpg", None)]


def test_two_images_of_one_stem_share_their_labels(make: Make) -> None:
    data = make()
    (data.parent / "images/train/a.png").write_bytes(image_bytes("PNG"))
    finding = findings_of(data)["images/shared-label-file"]
    assert (Path(finding.places[0].file).name, Path(finding.places[0].other).name) == ("a.jpg", "a.png")


def test_an_image_that_is_named_twice_is_named(make: Make) -> None:
    data = make(train=["images/train", "images/train"])
    assert findings_of(data)["images/repeated"].count == 2


@pytest.mark.parametrize(
    ("val", "title"),
    [
        ("images/train", "All 2 images of val are in train too."),
        (["images/train", "images/val"], "2 of 4 images of val are in train too."),
    ],
)
def test_images_in_two_splits_are_named(make: Make, val: object, title: str) -> None:
    finding = findings_of(make(val=val))["splits/shared-images"]
    assert (finding.title, finding.severity) == (title, Severity.WARNING)


def test_odd_names_are_read(make: Make) -> None:
    data = make()
    for name in ("a b.JPG", "ü.Jpeg", "日本.PNG", "x.y.z.jpg", "[1]*.jpg"):
        write_image(data.parent / "images/train" / name, BOX)
    train = scan(data).splits["train"]
    assert (len(train.images), len(train.boxes), train.flaws) == (7, 7, {})
