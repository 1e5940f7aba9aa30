"""Search for the best training recipe of a YOLO detector within a budget.

The verbs of the command line, typed, returning records:

    from automl import check, dry_run, search, resume, export
    check("custom.yaml", html="report.html")
    plan = dry_run("custom.yaml", ["40gpu-h"])
    report = search("custom.yaml", ["40gpu-h"])
    export(report.study.name, "hyp.yaml")
"""

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from automl.results import diagnose, report, verify
    from automl.service import (
        check,
        confirm,
        curves,
        delete,
        demo_data,
        dry_run,
        export,
        export_to,
        note,
        overviews,
        rename,
        resume,
        search,
        show,
        status,
        stop,
        studies,
    )

__version__ = "0.1.0"
__all__ = [
    "__version__",
    "check",
    "confirm",
    "curves",
    "delete",
    "demo_data",
    "diagnose",
    "dry_run",
    "export",
    "export_to",
    "note",
    "overviews",
    "rename",
    "report",
    "resume",
    "search",
    "show",
    "status",
    "stop",
    "studies",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from automl.host.guest import visiting

        with visiting():
            from automl import results, service
        return getattr(results, name, None) or getattr(service, name)
    raise AttributeError(f"module 'automl' has no attribute '{name}'", name=name, obj=sys.modules[__name__])


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
