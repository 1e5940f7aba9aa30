"""The command `check`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from automl.errors import AutoMLError
from automl.files.shell import quoted
from automl.terminal import options as flags
from automl.terminal.exits import exit_codes
from automl.terminal.spelling import check_words, joined, missing

if TYPE_CHECKING:
    from automl.records import DataReport

EXAMPLE = "automl check --data custom.yaml"
EPILOG = (
    "Exit codes: 0 the data can be trained on; 1 they cannot, or there is a warning and --strict; 2 wrong words, "
    "nothing was read. Every option in more words: docs/manual.md."
)


class CheckCommand(TyperCommand):
    """The command with the words of other tools: `automl check custom.yaml`, `automl check data=custom.yaml`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words; those that no option takes end the command with the words to write instead."""
        with exit_codes():
            left_over: list[str] = super().parse_args(ctx, joined(args))
            check_words(left_over, [name for option in self.params for name in option.opts], "check")
        return left_over


def check(
    data: Annotated[Path | None, typer.Option(help="A YOLO data.yaml. Required.")] = None,
    split: Annotated[str | None, typer.Option(help="Splits to look at: train,val,test; default: all.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the report with pictures: one file, no network.")] = None,
    baseline: Annotated[str | None, typer.Option(help="Study or weights that judge the labels.")] = None,
    fix_list: Annotated[
        Path | None, typer.Option(help="Write the suspicious labels as CSV, for annotation tools.")
    ] = None,
    price: Annotated[bool, typer.Option("--price", help="Say what the suspicious labels cost, in mAP50-95.")] = False,
    budget: Annotated[str | None, typer.Option(help="For trainings that judge and price, as in search.")] = None,
    top: Annotated[int | None, typer.Option(help="Suspicious labels that are priced; default: 60.")] = None,
    device: Annotated[
        str | None, typer.Option(help="Of the baseline and the trainings: cpu, or a GPU's index.")
    ] = None,
    trust_model: flags.TrustModel = False,
    from_: Annotated[str | None, typer.Option("--from", help="Annotations of another tool: coco or voc.")] = None,
    to: Annotated[Path | None, typer.Option(help="With --from: folder of the converted data set.")] = None,
    db: flags.Db = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 for a warning too.")] = False,
    quiet: flags.Quiet = False,
    json_: flags.Json = False,
) -> None:
    """Check a data set before anything is trained: labels, images, splits, and what to do about them.

    Example: automl check --data custom.yaml
    """
    with exit_codes():
        from automl import service

        if data is None:
            raise missing("check", EXAMPLE, data=data)
        report = service.check(
            data,
            split=split,
            html=html,
            baseline=baseline,
            fix_list=fix_list,
            price=price,
            budget=budget,
            top=top,
            device=device,
            trust_model=trust_model,
            from_=from_,
            to=to,
            db=db,
            progress=False if quiet or json_ else None,
        )
        _print(
            report, quoted(str(data)) if from_ is None else quoted(report.data), as_json=json_, written=html is not None
        )
        if not json_:
            converted = None if from_ is None else Path(report.data)
            for file in filter(None, (html, fix_list, converted)):
                if file.exists():
                    print(f"Wrote {file}")
    code = exit_code(report, strict=strict)
    if code:
        raise typer.Exit(code)


def exit_code(report: DataReport, *, strict: bool) -> int:
    """1 for data that cannot be trained on, and under `strict` for a warning; else 0."""
    from automl.records import Severity

    return int(not report.trainable or (strict and bool(report.of(Severity.WARNING))))


def _print(report: DataReport, data: str, *, as_json: bool, written: bool) -> None:
    """Print the report. Raises AutoMLError if it cannot be written as a whole: a program reads it."""
    from automl.terminal.check import check_json, print_check
    from automl.terminal.tables import open_console

    if not as_json:
        print_check(open_console(), report, data, written=written)
        return
    print(check_json(report), flush=True)
    lost = getattr(sys.stdout, "lost", None)
    if lost is not None:
        failed = AutoMLError(f"the report cannot be written to standard output ({lost.strerror}).")
        failed.begun = True
        raise failed
