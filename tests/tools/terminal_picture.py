"""Run a command in a terminal and draw the final screen: an SVG without fonts or links from elsewhere.

`python -m tests.tools.terminal_picture PICTURE COMMAND...`; `make terminal` draws the README's one.
"""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import shlex
import struct
import sys
import termios
from pathlib import Path

from rich.console import Console
from rich.text import Text

COLUMNS, ROWS = 100, 40
TOKEN = re.compile(r"\x1b\[(?P<number>[0-9;?]*)(?P<code>[A-Za-z])|\r|\n|[^\x1b\r\n]+")
FORMAT = """<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px }}
.{unique_id}-title {{ font-family: sans-serif; font-size: 18px; font-weight: bold }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def output_of(command: list[str], columns: int = COLUMNS) -> str:
    """Output of a command in a terminal of so many columns."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(TERM="xterm-256color", COLUMNS=str(columns))
        os.execvp(command[0], command)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))
    output = bytearray()
    while True:
        try:
            read = os.read(terminal, 65536)
        except OSError:  # Linux reports a closed other end like this
            read = b""
        if not read:
            break
        output += read
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status:
        sys.exit(f"{shlex.join(command)} ended with {status}:\n{output.decode(errors='replace')[-2000:]}")
    return output.decode(errors="replace")


def screen(output: str) -> list[str]:
    """Lines of the final screen, with their colours.

    Reads the controls of rich's live table only: up, erase the line, colours. Lines are always written whole.
    """
    lines, row = [""], 0
    for token in TOKEN.finditer(output):
        code = token["code"]
        if token[0] == "\n":
            row += 1
            if row == len(lines):
                lines.append("")
        elif code == "A":
            row = max(0, row - int(token["number"] or 1))
        elif code == "K":
            lines[row] = ""
        elif code == "m" or (code is None and token[0] != "\r"):
            lines[row] += token[0]
    while lines and not Text.from_ansi(lines[-1]).plain.strip():
        lines.pop()
    return lines


def picture(command: str, lines: list[str], columns: int = COLUMNS) -> str:
    """The terminal as SVG: the command at its prompt and the lines below it."""
    console = Console(record=True, width=columns, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.assemble(("$ ", "bold green"), (command, "bold")))
    for line in lines:
        console.print(Text.from_ansi(line, no_wrap=True, overflow="crop"))
    svg = console.export_svg(title="automl search", code_format=FORMAT, unique_id="terminal")
    return "".join(f"{line.rstrip()}\n" for line in svg.splitlines() if line.strip())


def main() -> None:
    """Read the command line and write the picture."""
    file, *command = sys.argv[1:]
    shown = shlex.join([Path(command[0]).name, *command[1:]])
    output = output_of(command)
    if home := os.environ.get("AUTOML_HOME"):
        output = output.replace(home, "~/automl-runs")  # a reader's, not a folder of this machine
    Path(file).write_text(picture(shown, screen(output)), encoding="utf-8")


if __name__ == "__main__":
    main()
