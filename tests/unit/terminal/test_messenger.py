"""Messages to real web hooks, and addresses that are never shown whole."""

from __future__ import annotations

import logging
import sys
import time

import pytest

from automl.errors import AutoMLError
from automl.terminal import messenger
from automl.terminal.messenger import messages, shown_url, targets_of
from automl.terminal.news import Message
from tests.builders.cli import wait_for
from tests.builders.ports import free_port
from tests.builders.web_hooks import web_hook

MESSAGE = Message(title="automl birds: finished", body="The budget is spent.")


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("json://user:s3cr3t@hook.example:80/t0k3n?key=s3cr3t", "json://hook.example"),
        ("JSONS://hook.example/t0k3n", "jsons://hook.example"),
        ("mailto://me:s3cr3t@mail.example", "mailto://mail.example"),
        ("mailto://me:s3c/r3t@mail.example", "mailto://…"),
        ("tgram://t0k3n/s3cr3t", "tgram://…"),
        ("slack://t0k3n/s3cr3t/x", "slack://…"),
        ("ntfy://s3cr3t", "ntfy://…"),
        ("json://[::1", "json://…"),
        ("json://", "json://…"),
        ("s3cr3t", ""),
        ("", ""),
    ],
)
def test_an_address_is_shown_as_scheme_and_host_that_is_no_secret(url: str, text: str) -> None:
    assert shown_url(url) == text


@pytest.mark.parametrize(
    "url",
    ["foo://s3cr3t:t0k3n@host", "s3cr3t", "tgram://s3cr3t", "http://u:s3cr3t@h.example", "json://", "://s3cr3t", ""],
)
def test_an_address_that_apprise_does_not_know_is_refused_without_its_secrets(
    url: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(AutoMLError, match="--notify") as caught:
        targets_of([url])
    shown = f"{caught.value}{caught.value.__cause__}{caplog.text}{''.join(capfd.readouterr())}"
    assert "s3cr3t" not in shown
    assert "t0k3n" not in shown


def test_without_apprise_the_sentence_has_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    monkeypatch.setattr(messenger.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(AutoMLError, match=r'pip install "yolo-automl\[notify\]"'):
        targets_of(["json://localhost"])
    assert targets_of([]) == ()


def test_a_message_arrives_with_title_and_body() -> None:
    with web_hook() as hook, messages(targets_of([hook.url])) as news:
        assert news is not None
        news._send(MESSAGE)
    assert [(body["title"], body["message"]) for body in hook.bodies] == [(MESSAGE.title, MESSAGE.body)]


@pytest.mark.fault
def test_web_hooks_that_hang_fail_or_are_away_delay_nothing_and_show_no_secret(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messenger, "LAST_S", 1.0)
    away = f"json://user:s3cr3t@127.0.0.1:{free_port()}/t0k3n"
    with (
        caplog.at_level(logging.INFO),
        web_hook() as good,
        web_hook(500) as failing,
        web_hook(hangs=True) as hanging,
    ):
        targets = targets_of([hanging.url, failing.url, away, good.url])
        began = time.monotonic()
        with messages(targets) as news:
            assert news is not None
            for _ in range(1000):
                news._send(MESSAGE)
            sent_s = time.monotonic() - began
            wait_for("the web hooks", lambda: good.bodies and hanging.bodies and failing.bodies)
            wait_for("a failure", lambda: caplog.text.count("could not be sent") >= 3)
    assert sent_s < 1.0
    shown = f"{caplog.text}{''.join(capfd.readouterr())}"
    assert "s3cr3t" not in shown
    assert "t0k3n" not in shown


def test_an_error_of_the_search_passes_through() -> None:
    with web_hook() as hook, pytest.raises(ZeroDivisionError), messages(targets_of([hook.url])):
        raise ZeroDivisionError
    assert not hook.bodies  # no search had begun
