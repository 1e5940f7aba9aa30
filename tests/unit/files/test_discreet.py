from __future__ import annotations

import pytest

from automl.files.discreet import discreet, discreet_values


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/home/ann/data/a.yaml", "~/data/a.yaml"),
        ("see /home/ann/data/a.yaml, line 3", "see ~/data/a.yaml, line 3"),
        ("/home/bob/data", "~/data"),
        ("/Users/bob/data", "~/data"),
        (r"C:\Users\bob\data.yaml", r"~\data.yaml"),
        ("c:/Users/bob/data.yaml", "~/data.yaml"),
        ("path: '/home/bob'", "path: '~'"),
        ("/data/home/bob/x", "/data/home/bob/x"),
        ("/home/anna/x", "~/x"),
        ("/root/x", "/root/x"),
    ],
)
def test_home_folders_become_a_tilde(text: str, shown: str) -> None:
    assert discreet(text, "/home/ann") == shown


@pytest.mark.parametrize("home", ["/root", "/srv/people/ann", r"D:\ann"])
def test_the_own_home_may_lie_anywhere(home: str) -> None:
    assert discreet(f"{home}/x {home}2/y", home) == f"~/x {home}2/y"


@pytest.mark.parametrize("home", ["", "/", "C:\\"])
def test_a_home_that_is_the_whole_disk_changes_nothing(home: str) -> None:
    assert discreet("/data/x C:\\data", home) == "/data/x C:\\data"


def test_a_password_in_an_address_is_hidden() -> None:
    assert discreet("postgresql://ann:s3cret@host/db", "") == "postgresql://ann:***@host/db"


def test_texts_within_containers_are_made_discreet() -> None:
    document = {"/home/bob/a": ["/home/bob/b", 3, None, {"x": "/home/bob"}]}
    assert discreet_values(document) == {"~/a": ["~/b", 3, None, {"x": "~"}]}
