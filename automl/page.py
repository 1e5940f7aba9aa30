"""Start of the page: this process becomes Streamlit's, and its environment names the database."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from automl.errors import AutoMLError, NoStore
from automl.files.home import expanded, shipped
from automl.host.private import only_owner
from automl.host.visitors import checked_name, name_of_url
from automl.store.address import store_url
from automl.store.engine import open_store

PUBLIC = "AUTOML_PAGE_PUBLIC"
HOSTS = "AUTOML_PAGE_HOSTS"  # names under which the page may be reached, separated by blanks
HERE = "127.0.0.1"
SECRETS = (Path(".streamlit/secrets.toml"), Path("~/.streamlit/secrets.toml"))
MANUAL = "https://github.com/yolo-automl/yolo-automl/blob/main/docs/manual.md"
SECRET = 32  # least number of characters of a cookie secret
OIDC = ("redirect_uri", "cookie_secret", "client_id", "client_secret", "server_metadata_url")


def serve(*, db: str | None, port: int, public: bool, hosts: Sequence[str] = ()) -> NoReturn:
    """Become the page; never return.

    hosts  names under which browsers may reach it, beside those of this machine and that of the sign-in

    Raises AutoMLError if the page's libraries are missing, the port is taken, the named database cannot be
    used, a name is none, or the page would be exposed without sign-in.
    """
    app = app_file("server.py")
    names = [checked_name(host) for host in hosts]
    if public:
        names += filter(None, [_check_sign_in()])
    _check_store(db)
    address = "0.0.0.0" if public else HERE
    _check_port(address, port)
    environment = {**os.environ, "AUTOML_DB": store_url(None, db)}
    environment.pop(PUBLIC, None)
    if public:
        environment[PUBLIC] = "1"
    environment[HOSTS] = " ".join(names)
    words = command(app, address, port)
    _become(words, environment)


def _become(words: list[str], environment: Mapping[str, str], system: str = os.name) -> NoReturn:
    """Run the command in this process, so that every signal reaches the page.

    On Windows beside it: exec would end this process at once, and the shell would go on.
    """
    if system == "nt":
        sys.exit(subprocess.run(words, env=environment, check=False).returncode)
    os.execve(words[0], words, environment)


def command(app: Path, address: str, port: int) -> list[str]:
    """Command line that serves the page. It holds no secret: the environment names the database."""
    options = {
        "server.address": address,
        "server.port": str(port),
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
        "browser.serverAddress": "localhost",
        "client.toolbarMode": "viewer",
        "client.showErrorDetails": "none",
        "theme.light.primaryColor": "#0072B2",
        "theme.dark.primaryColor": "#56B4E9",
        "theme.baseFontSize": "15",
    }
    flags = [f"--{key}={value}" for key, value in options.items()]
    # -P: a folder named dashboards in the working directory is not ours.
    return [sys.executable, "-P", "-m", "streamlit", "run", str(app), *flags]


def app_file(name: str = "app.py") -> Path:
    """File that Streamlit runs. Raises AutoMLError if Streamlit or the file is missing.

    name  "app.py", the page itself, or "server.py", which serves it
    """
    if importlib.util.find_spec("streamlit") is None:
        raise AutoMLError(
            'the page needs Streamlit, which is not installed. Install it with: pip install "yolo-automl[page]"'
        )
    return shipped(f"dashboards/{name}")


def _check_store(db: str | None) -> None:
    """Raise BadStore for a database that cannot be used; without --db there may be none yet."""
    try:
        open_store(store_url(None, db), create=False, read_only=True).dispose()
    except NoStore:
        if db is not None:
            raise


def _check_port(address: str, port: int) -> None:
    if not 1 <= port <= 65535:
        raise AutoMLError(f"--port {port}: write a port between 1 and 65535.")
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((address, port))
        except OSError as error:
            raise AutoMLError(f"--port {port} cannot be used ({error.strerror}). Choose another one.") from None


def _check_sign_in() -> str | None:
    """The name of the page in the address to which the sign-in comes back.

    Raises AutoMLError unless Streamlit's sign-in by OpenID Connect is configured and can run.
    """
    files = (expanded(file) for file in SECRETS)
    file = next((file for file in files if file.is_file()), None)
    if file is None:
        raise AutoMLError(
            "--public shows your studies to everyone who reaches this machine, so it needs sign-in. Write an [auth] "
            f"section with {', '.join(OIDC)} into {SECRETS[0]}; {MANUAL}#serve-other-machines shows one."
        )
    try:
        auth = tomllib.loads(file.read_text(encoding="utf-8")).get("auth")
    except (OSError, ValueError) as error:
        raise AutoMLError(f"{file} cannot be read: {error}. --public needs its [auth] section.") from None
    only_owner(file, "can sign in as anyone")
    missing = missing_keys(auth)
    if missing:
        raise AutoMLError(f"{file}: [auth] lacks {', '.join(missing)}. --public starts once sign-in is configured.")
    if len(str((auth or {}).get("cookie_secret"))) < SECRET:
        raise AutoMLError(
            f"{file}: [auth] cookie_secret has fewer than {SECRET} characters; whoever guesses it is signed in. "
            'Make one with: python -c "import secrets; print(secrets.token_hex(32))"'
        )
    if importlib.util.find_spec("authlib") is None:
        raise AutoMLError(
            'sign-in needs Authlib, which is not installed. Install it with: pip install "yolo-automl[public]"'
        )
    return name_of_url(str((auth or {})["redirect_uri"]))


def missing_keys(auth: object) -> list[str]:
    """Keys of Streamlit's [auth] section that are absent or empty. Sections of named providers do not count."""
    section = auth if isinstance(auth, Mapping) else {}
    return [key for key in OIDC if not section.get(key)]
