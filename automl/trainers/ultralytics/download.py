"""Download of a weights file by Ultralytics' own downloader, in a process of its own.

Run as `python -m automl.trainers.ultralytics.download URL TARGET`: only there is Ultralytics loaded with access to the
network. It resumes a download that breaks off, and publishes the file once it is complete.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

LEAST_BYTES = 100_000  # no network is smaller; an error page is
_WAIT_S = 10.0  # for the size of a file


def size_of(url: str) -> int | None:
    """Bytes of the file at the address; None where the server does not say."""
    try:
        with urlopen(Request(url, method="HEAD"), timeout=_WAIT_S) as response:
            length = response.headers.get("Content-Length", "")
    except (URLError, OSError, ValueError):
        return None
    return int(length) if length.isdigit() else None


def download(url: str, target: Path) -> str | None:
    """Download the file at the address to `target`. None if it is there now, else the reason in words."""
    with tempfile.TemporaryDirectory(prefix="automl-") as settings:
        variables = {**os.environ, "YOLO_CONFIG_DIR": settings, "YOLO_AUTOINSTALL": "0"}
        variables.pop("YOLO_OFFLINE", None)
        command = [sys.executable, "-P", "-m", "automl.trainers.ultralytics.download", url, str(target)]
        done = subprocess.run(command, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode == 0 and target.is_file():
        return None
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else f"the downloader ended with {done.returncode}"


def main() -> int:
    """Download what the arguments name; the exit code."""
    from ultralytics.utils.downloads import safe_download

    url, target = sys.argv[1:]
    try:
        safe_download(url=url, file=target, unzip=False, min_bytes=LEAST_BYTES, progress=False)
    except (OSError, MemoryError) as error:
        print(_reason(error), file=sys.stderr)
        return 1
    return 0


def _reason(error: BaseException) -> str:
    """The failure in a line: the server's answer, else the downloader's words without their picture."""
    status = getattr(getattr(error.__cause__, "response", None), "status_code", None)
    if status is not None:
        return f"the server answers with {status}"
    return str(error).encode("ascii", "ignore").decode().strip() or type(error).__name__


if __name__ == "__main__":
    sys.exit(main())
