"""A question to a Ray cluster: is it there? Run as `python -m automl.drivers.asking ADDRESS`.

The exit code says it, and the output its address. Authenticates as RAY_AUTH_MODE says.
"""

from __future__ import annotations

import os
import socket
import sys

from automl.drivers.private_names import ASKING
from automl.files.installed import is_there

_CONNECT_S = 10.0


def main() -> int:
    """Ask the cluster at the address that the argument names."""
    if not all(is_there(entry) for entry in ASKING):
        return 0  # Ray will find out itself, later
    from ray._private.services import canonicalize_bootstrap_address
    from ray._raylet import GcsClient  # type: ignore[attr-defined]

    named = sys.argv[1]
    try:
        address = canonicalize_bootstrap_address(named)
    except ConnectionError:
        print("no Ray runs on this machine", file=sys.stderr)
        return 1
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    host, _, port = str(address).rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_S).close()
        GcsClient(address=address)
    except Exception as error:  # of Ray's own kinds
        print(f"{address}: {error}".splitlines()[0], file=sys.stderr)
        return 1
    print(address)
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # at once: the client waits for a server that is none
