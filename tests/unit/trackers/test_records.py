from __future__ import annotations

import struct

from automl.trackers.records import framed


def masked(crc: int) -> int:
    return (((crc >> 15) | (crc << 17) & 0xFFFFFFFF) + 0xA282EAD8) & 0xFFFFFFFF


def test_a_frame_has_the_checksums_of_its_length_and_of_its_bytes() -> None:
    (frame,) = framed([b"123456789"])
    assert frame[:8] == struct.pack("<Q", 9)
    assert frame[12:21] == b"123456789"
    assert struct.unpack("<I", frame[21:]) == (masked(0xE3069283),)  # the check value of CRC-32C


def test_frames_of_several_lengths_are_those_of_each_alone() -> None:
    texts = [b"", b"a", b"x" * 300, b"bc", b"\0" * 7, b"a"]
    assert framed(texts) == [framed([text])[0] for text in texts]


def test_no_event_is_no_frame() -> None:
    assert framed([]) == []
