"""Known vulnerabilities of the packages in this environment, as sentences: `python -m tests.tools.audit`.

Exit code 0 without any, 1 with some, 2 where nothing could be looked up.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

COMMAND = (sys.executable, "-m", "pip_audit", "--skip-editable", "--progress-spinner", "off", "--format", "json")
NOTHING = "Nothing was audited: no index with known vulnerabilities can be reached from here"


def lines(packages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A line for each vulnerability, and one on packages that could not be looked up."""
    for package in packages:
        for found in package.get("vulns", ()):
            fixed = ", ".join(found["fix_versions"]) or "no version"
            yield f"{package['name']} {package['version']}: {found['id']}, mended in {fixed}"
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    if skipped:
        yield f"Not looked up: {len(skipped)} of {len(packages)} packages, such as {skipped[0]}."


def code_of(packages: Sequence[Mapping[str, Any]]) -> int:
    """The exit code for these answers. The project itself, which is editable, is never looked up."""
    if any(package.get("vulns") for package in packages):
        return 1
    return 0 if any("vulns" in package for package in packages) else 2


def main(words: Sequence[str]) -> int:
    """Ask pip-audit and print its answers; the exit code."""
    done = subprocess.run([*COMMAND, *words], capture_output=True, text=True, check=False)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        reason = (done.stderr.strip().splitlines() or ["it gives no reason"])[-1]
        print(f"{NOTHING} ({reason[:200]}).", file=sys.stderr)
        return 2
    code = code_of(packages)
    if code == 2:
        print(f"{NOTHING}: the index here knows none of the {len(packages)} packages.", file=sys.stderr)
        return code
    print("\n".join(lines(packages)) or f"{len(packages)} packages, no known vulnerability.")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
