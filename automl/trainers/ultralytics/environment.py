"""Quiet, local set-up of Ultralytics and torch: no network, no installs, no trackers, a fixed thread count."""

from __future__ import annotations

import gc
import importlib.util
import logging
import os
import platform
import shutil
import sys
from collections.abc import Callable
from functools import cache, partial
from importlib import metadata
from pathlib import Path
from typing import Any

from automl.errors import AutoMLError
from automl.files import users
from automl.files.installed import check_names
from automl.records import Params
from automl.trainers.ultralytics import private_names

logger = logging.getLogger(__name__)

_OFF = ("sync", "clearml", "comet", "dvc", "mlflow", "raytune", "tensorboard", "wandb", "vscode_msg")
_FONTS = ("Arial.ttf", "Arial.Unicode.ttf")  # Ultralytics would download them; any TrueType file will do
_BARS = ("engine.trainer", "engine.validator", "data.dataset", "data.base")


def prepare_environment(cache: Path | str, threads: int = 1) -> None:
    """Load Ultralytics so that it uses neither the network nor the user's settings. Cheap after the first call.

    cache    folder for its settings and fonts
    threads  of this process; one slot's share of the machine

    Call it before anything else imports ultralytics, which reads its environment on import.
    """
    users.remember()
    if "ultralytics" not in sys.modules:
        home = Path(cache).absolute() / "ultralytics"
        home.mkdir(parents=True, exist_ok=True)
        os.environ["YOLO_CONFIG_DIR"] = str(home)
        os.environ["YOLO_OFFLINE"] = "1"
        os.environ["YOLO_AUTOINSTALL"] = "0"
        os.environ["OMP_NUM_THREADS"] = str(threads)
        _place_fonts(home / "Ultralytics")
    _tame()
    set_threads(threads)


def set_threads(threads: int) -> None:
    """Set the number of torch's threads again; Ultralytics changes it whenever it selects a CPU."""
    import torch

    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)


def check_device(device: str) -> None:
    """Raise AutoMLError if this process should train on a GPU and torch sees none: a worker on another machine, say."""
    import torch

    if device == "cpu" or torch.cuda.is_available():
        return
    build = "no driver that it can use" if torch.version.cuda else "it is a build without CUDA"
    raise AutoMLError(
        f"torch {torch.__version__} sees no GPU in the process of a trial on {platform.node()}: {build}. Use --device "
        "cpu, or install torch with CUDA and a driver there."
    )


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that a result depends on."""
    packages = ("torch", "torchvision", "ultralytics")
    return {"python": sys.version.split()[0], **{name: metadata.version(name) for name in packages}}


def loads_as_yolo(fixed: Params) -> bool:
    """True if trainings with these fixed arguments start from weights as `yolo` does.

    Studies of earlier versions, which fixed no `amp`, copied tensors by name and shape alone. They go on so.
    """
    return "amp" in fixed


def former_amp(device: str) -> bool | str:
    """Value of `amp` in studies of earlier versions, which did not fix it: bf16 where the GPU has it."""
    if device == "cpu":
        return False
    import torch

    return "bf16" if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else True


@cache
def _tame() -> None:
    """Switch off trackers, progress bars and downloads of Ultralytics; once a process.

    Raises EngineMismatch where that cannot be done.
    """
    for note in check_names(private_names.ENGINE, private_names.NAMES):  # before anything is trained or replaced
        logger.warning(note)
    import ultralytics.data.base
    import ultralytics.data.dataset
    import ultralytics.data.utils
    import ultralytics.engine.trainer
    import ultralytics.engine.validator
    import ultralytics.models.yolo.detect
    from ultralytics.utils import SETTINGS, TQDM

    dict.update(SETTINGS, dict.fromkeys(_OFF, False))  # in memory only: other processes share the file

    class Silent(TQDM):  # type: ignore[misc]
        """A progress bar that draws nothing."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **{**kwargs, "disable": True})

    for name in _BARS:
        sys.modules[f"ultralytics.{name}"].TQDM = Silent  # type: ignore[attr-defined]
    ultralytics.engine.trainer.check_amp = partial(_amp_works, ultralytics.engine.trainer.check_amp)
    # Ultralytics re-encodes damaged JPEG files in place; a user's images must not be changed.
    ultralytics.data.utils._replace_image = lambda *args, **kwargs: None
    gc.collect()
    gc.freeze()  # imported modules stay for good: without this each collection walks a million objects


def _amp_works(check: Callable[[Any], bool], model: Any) -> bool:
    """True if Ultralytics uses half precision on this device, and if it gives finite numbers here.

    check  Ultralytics' own, which knows the GPUs that have no use for it. It compares the answers of another network
           as well, and would download that; without it the comparison is skipped, as it is offline.
    """
    import torch
    import ultralytics

    class Absent:
        """Stand-in for the network that is not here."""

        def __init__(self, *args: Any) -> None:
            raise ConnectionError

    device = next(model.parameters()).device
    usual = ultralytics.YOLO
    ultralytics.YOLO = Absent
    try:
        if device.type != "cuda" or not check(model):
            return False
    finally:
        ultralytics.YOLO = usual
    was_training = model.training
    state = torch.random.get_rng_state()
    image = torch.full((1, model.yaml.get("channels", 3), 256, 256), 0.5, device=device)
    with torch.no_grad(), torch.autocast("cuda", dtype=torch.float16):
        output = model.eval()(image)
    model.train(was_training)
    torch.random.set_rng_state(state)
    first = output[0] if isinstance(output, tuple | list) else output
    return bool(torch.isfinite(first).all()) if isinstance(first, torch.Tensor) else True


def _place_fonts(home: Path) -> None:
    home.mkdir(parents=True, exist_ok=True)
    spec = importlib.util.find_spec("matplotlib")
    if spec is None or spec.origin is None:
        return
    source = Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
    for name in _FONTS:
        target = home / name
        if source.is_file() and not target.exists():
            part = home / f".{name}.{os.getpid()}"
            shutil.copyfile(source, part)
            part.replace(target)
