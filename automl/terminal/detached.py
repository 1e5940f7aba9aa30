"""Searches that go on without the terminal: a process of its own session, which begins the study under our eyes."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import NamedTuple, TextIO

import typer

from automl.errors import AutoMLError, NoSpace
from automl.files import folders
from automl.records import Listener, Notice
from automl.store.address import command

FLAG = "--detach"
_VARIABLE = "AUTOML_DETACHED"  # of the process that goes on: the pipe to the one that began it, and its output
_PAUSE_S = 0.2


class Begun(NamedTuple):
    """A study that goes on without the terminal."""

    study: str
    process: int
    log: str


def detach(words: Sequence[str], *, as_json: bool, db: str | None) -> None:
    """Run the command line in a session of its own, and return once its study has begun.

    words  of the command line after `automl`

    What it prints until then is printed here. Raises typer.Exit, with its exit code, if it ends before.
    """
    if os.name != "posix":
        raise AutoMLError(f"{FLAG} is not for Windows. Leave it out, or run this command in WSL.")
    begun = _begun([word for word in words if word != FLAG])
    if as_json:
        print(json.dumps(begun._asdict(), indent=2))
        return
    print(f"study '{begun.study}' goes on without this terminal (process {begun.process}).")
    print(f"  see it    {command('attach', begun.study, db)}")
    print(f"  stop it   {command('stop', begun.study, db)}")
    print(f"  its log   {begun.log}")


def _begun(words: Sequence[str]) -> Begun:
    try:
        folder = tempfile.TemporaryDirectory(prefix="automl-detach-")
    except OSError as error:
        raise NoSpace(f"no temporary folder can be made ({error.strerror}). Set TMPDIR to one that can.") from error
    with folder as name, ExitStack() as stack:
        files = [Path(name, "output"), Path(name, "errors")]
        out, errors = (stack.enter_context(file.open("wb")) for file in files)
        mine, its = os.pipe()
        stack.callback(os.close, mine)
        process = subprocess.Popen(
            [*_program(), *words],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=errors,
            start_new_session=True,
            pass_fds=(its,),
            env={**os.environ, _VARIABLE: f"{its}:{files[0]}"},
        )
        os.close(its)
        copies = [_Copy(files[0], sys.stdout), _Copy(files[1], sys.stderr)]
        message = _message(process, mine, copies)
        if message:
            return Begun(*json.loads(message))
        code = process.wait()
        for copy in copies:
            copy.go_on()
    raise typer.Exit(code if code >= 0 else 128 - code)


def _program() -> list[str]:
    """Beginning of a command line that runs this program."""
    script = sys.argv[0]
    return [sys.executable, *(("-m", "automl.cli") if script.endswith(".py") else (script,))]


def _message(process: subprocess.Popen[bytes], pipe: int, copies: Sequence[_Copy]) -> bytes:
    """Message of the process once its study has begun; empty if it ends before. An interrupt is passed on to it."""
    message = b""
    with _interruptible():
        while True:
            try:
                ready = select.select([pipe], [], [], _PAUSE_S)[0]
                chunk = os.read(pipe, 65536) if ready else b""
                for copy in copies:
                    copy.go_on()
            except KeyboardInterrupt:
                process.send_signal(signal.SIGINT)
                continue
            if ready and not chunk:
                return message
            message += chunk


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let SIGTERM interrupt as Ctrl-C does."""

    def interrupt(signum: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Copy:
    """A file that another process writes, copied to a stream of ours."""

    def __init__(self, file: Path, stream: TextIO) -> None:
        self._file = file.open(encoding="utf-8", errors="replace")
        self._stream = stream

    def go_on(self) -> None:
        """Copy what is new."""
        text = self._file.read()
        if text:
            self._stream.write(text)
            self._stream.flush()


@contextmanager
def announced(listener: Listener) -> Iterator[Listener]:
    """The listener; in a process that was detached it also leads the output to the study's log once that has begun."""
    channel = os.environ.pop(_VARIABLE, None)
    if channel is None:
        yield listener
        return
    number, _, output = channel.partition(":")
    pipe = int(number)
    os.set_inheritable(pipe, False)
    begun = False

    def listen(notice: Notice) -> None:
        nonlocal begun
        listener(notice)
        if notice.kind == "study" and not begun:
            begun = True
            spec = notice.values["spec"]
            log = folders.log(spec.directory)
            _move_output(Path(output), log)
            with suppress(OSError):  # whoever began it is gone: it goes on all the same
                os.write(pipe, json.dumps(Begun(spec.name, os.getpid(), str(log))).encode())
            os.close(pipe)

    try:
        yield listen
    finally:
        if not begun:
            os.close(pipe)


def _move_output(before: Path, log: Path) -> None:
    """Lead standard output and standard error to the end of the log, after what was printed before."""
    sys.stdout.flush()
    sys.stderr.flush()
    with suppress(OSError), log.open("ab") as file:  # a folder that cannot be written ends no search
        with suppress(OSError):
            file.write(before.read_bytes())
            file.flush()
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
