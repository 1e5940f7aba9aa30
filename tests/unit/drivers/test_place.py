"""Where trials run, and addresses at which no Ray is."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from automl.drivers import place
from automl.drivers.place import Place
from automl.errors import AutoMLError


@pytest.mark.parametrize(
    ("named", "where"),
    [(None, Place.HERE), ("", Place.HERE), ("local", Place.HERE), ("auto", Place.CLUSTER), ("a:1", Place.CLUSTER)],
)
def test_ray_address_decides_where_trials_run(monkeypatch: pytest.MonkeyPatch, named: str | None, where: Place) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    if named is not None:
        monkeypatch.setenv("RAY_ADDRESS", named)
    assert place.place() is where


def test_a_process_runs_one_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with place.taken():
        monkeypatch.setenv("RAY_ADDRESS", "auto")
        assert place.place() is Place.HERE
        with pytest.raises(AutoMLError, match="another search runs in this process"), place.taken():
            pytest.fail("two have it")
    with place.taken() as where:
        assert where is Place.CLUSTER


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("nonsense", "RAY_ADDRESS=nonsense is no address of a Ray cluster. Write HOST:PORT"),
        ("http://10.0.0.1:8265", "is no address"),
        ("10.0.0.1:99999", "is no address"),
        ("two words:6379", "is no address"),
        ("ray://10.0.0.1:10001", "cannot run through Ray's client"),
        ("127.0.0.1:1", "no Ray cluster answers there"),
        ("[::1]:1", "no Ray cluster answers there"),
        (f"{'x' * 70}.invalid:1", "no Ray cluster answers there"),
    ],
)
def test_an_address_without_a_cluster_is_refused_at_once(named: str, told: str) -> None:
    began = time.monotonic()
    with pytest.raises(AutoMLError) as raised:
        place.check_address(named)
    assert told in str(raised.value)
    assert str(raised.value).count("\n") == 0
    assert time.monotonic() - began < 5.0


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.0 400 Bad Request\r\n\r\n"], ids=["silent", "a page"])
def test_a_server_that_is_no_ray_is_told_from_one(monkeypatch: pytest.MonkeyPatch, answer: bytes) -> None:
    monkeypatch.setattr(place, "_ANSWER_S", 8.0)
    with socket.create_server(("0.0.0.0", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    client, _ = server.accept()
                    client.sendall(answer)
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        with pytest.raises(AutoMLError, match="no Ray cluster answers there"):
            place.check_address(f"127.0.0.1:{server.getsockname()[1]}")
