"""Weights files as plain tensors, read without running any code that a checkpoint may carry."""

from __future__ import annotations

import hashlib
import io
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from automl.errors import BadWeights
from automl.files import pointers

if TYPE_CHECKING:
    import torch

SUFFIXES = (".pt", ".pth", ".safetensors")
_ZIP, _PICKLE = b"PK\x03\x04", b"\x80\x02"
_TENSORS = ("_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_parameter")
_BUILTINS = {kind.__name__: kind for kind in (set, frozenset, dict, list, tuple, slice, int, float, complex)} | {
    kind.__name__: kind for kind in (bool, str, bytes, bytearray)
}


def check_weights(path: Path | str, flag: str = "--weights") -> Path:
    """The absolute path of a file that looks like weights. Cheap, without torch.

    flag  the option that names the file, for the message

    Raises BadWeights if the file is missing, of an unknown kind or damaged at first sight.
    """
    file = Path(path).expanduser()
    if file.suffix not in SUFFIXES:
        raise BadWeights(f"{path}: unknown kind of weights file. Known: {', '.join(SUFFIXES)}.")
    if not file.exists():
        raise BadWeights(f"{path} does not exist. Check the path given to {flag}.")
    if not file.is_file():
        raise BadWeights(f"{path} is not a file. Give the weights file itself.")
    try:
        with file.open("rb") as stream:
            head = stream.read(100)
    except OSError as error:
        raise BadWeights(f"{path} cannot be read: {error.strerror}. Check its permissions.") from None
    if file.suffix == ".safetensors":
        size = int.from_bytes(head[:8], "little")
        sound = head[8:9] == b"{" and size <= file.stat().st_size - 8
    else:
        sound = head.startswith(_PICKLE) or (head.startswith(_ZIP) and zipfile.is_zipfile(file))
    if pointers.is_pointer(head):
        raise BadWeights(f"{path}: {pointers.IN_WORDS}; {pointers.WAY_OUT}.")
    if not sound:
        raise BadWeights(_damaged(path))
    return file.absolute()


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Network of a weights file, without any of its code."""

    source: str  # the file as it was named, for errors
    state: Mapping[str, torch.Tensor]  # by name, floating ones as float32 in main memory
    names: Mapping[int, str] = field(default_factory=dict)  # of its classes; empty where the file has none
    description: Mapping[str, Any] = field(default_factory=dict)  # Ultralytics' yaml; empty where the file has none
    arguments: Mapping[str, Any] = field(default_factory=dict)  # plain ones of its training; empty without any


def read_state(path: Path | str) -> dict[str, torch.Tensor]:
    """Tensors of the file by name; see `read_checkpoint`."""
    return dict(read_checkpoint(path).state)


def read_checkpoint(path: Path | str) -> Checkpoint:
    """The network in a weights file.

    In a checkpoint with several networks the averaged one (`ema`) counts. Empty shells replace the classes that a
    pickle names, so that no code of the file runs.

    Raises BadWeights if the file cannot be read or holds no network.
    """
    file, names, description = check_weights(path), dict[int, str](), dict[str, Any]()
    arguments: dict[str, Any] = {}
    try:
        if file.suffix == ".safetensors":
            state = _read_safetensors(file)
        else:
            content = _read_pickle(file)
            network, arguments = _network(content), _arguments_of(content)
            state, names, description = _state_of(network), _names_of(network), _description_of(network)
    except BadWeights:
        raise
    except Exception as error:  # a damaged file makes the reader raise anything
        raise BadWeights(f"{_damaged(path)} ({type(error).__name__}: {error})") from None
    if not state:
        raise BadWeights(f"{path} holds no network, for it has no tensors. Give a checkpoint of a detector.")
    return Checkpoint(
        source=str(path),
        state={name: value.float() if value.is_floating_point() else value for name, value in state.items()},
        names=names,
        description=description,
        arguments=arguments,
    )


def load_matching(
    model: torch.nn.Module, state: Mapping[str, torch.Tensor], source: str = "the weights file"
) -> tuple[int, int]:
    """Copy the tensors that fit by name and shape; return the number of these and of all tensors of the network.

    source  the file's name, for the error

    Raises BadWeights if none fits.
    """
    own = model.state_dict()
    fitting = {name: value for name, value in state.items() if name in own and own[name].shape == value.shape}
    if not fitting:
        network = str(getattr(model, "yaml", {}).get("yaml_file", "the network"))
        raise BadWeights(
            f"{source}: none of its {len(state)} tensors fits {network}; it is of another family. "
            "Give weights of this family, choose the family of the weights with --models, or train from scratch "
            "with --weights none."
        )
    model.load_state_dict(fitting, strict=False)
    return len(fitting), len(own)


def sha256(path: Path | str) -> str:
    """Hex digest of the file's content."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _damaged(path: Path | str) -> str:
    return f"{path} is not a readable weights file: empty, cut off, or of another kind. Fetch it again."


def _read_safetensors(file: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    state: dict[str, torch.Tensor] = load_file(file)
    return state


def _read_pickle(file: Path) -> Any:
    """The content of a checkpoint, with shells in the place of its objects."""
    import torch

    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            if any(name.endswith("/constants.pkl") for name in archive.namelist()):
                raise BadWeights(f"{file} is an exported TorchScript program. Give the checkpoint it came from.")
    inert = SimpleNamespace(Unpickler=_Inert, load=_load, __name__="pickle")
    return torch.load(file, map_location="cpu", pickle_module=inert, weights_only=False)


def _state_of(network: Any) -> dict[str, torch.Tensor]:
    state = dict(_tensors_of(network))
    if state and all(name.startswith("module.") for name in state):
        state = {name.removeprefix("module."): value for name, value in state.items()}
    return state


def _names_of(network: Any) -> dict[int, str]:
    """Names of the classes by id; empty where they are not in a form that is known."""
    names = vars(network).get("names") if isinstance(network, _Shell) else None
    pairs = enumerate(names) if isinstance(names, list | tuple) else names.items() if isinstance(names, dict) else ()
    return {int(number): str(name) for number, name in pairs}


def _description_of(network: Any) -> dict[str, Any]:
    """Ultralytics' description of the network; empty without one."""
    description = vars(network).get("yaml") if isinstance(network, _Shell) else None
    return description if isinstance(description, dict) else {}


def _arguments_of(content: Any) -> dict[str, Any]:
    """Numbers and words among the arguments of the training that wrote the checkpoint."""
    arguments = content.get("train_args") if isinstance(content, dict) else None
    plain = (bool, int, float, str)
    return {str(k): v for k, v in arguments.items() if isinstance(v, plain)} if isinstance(arguments, dict) else {}


def _network(content: Any) -> Any:
    """The network within a checkpoint: a module's shell, or a mapping of tensors."""
    if isinstance(content, dict):
        for key in ("ema", "model", "state_dict", "model_state_dict"):
            if isinstance(content.get(key), _Shell | dict) and content[key]:
                return content[key]
    return content


def _tensors_of(network: Any, prefix: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    import torch

    if isinstance(network, dict):
        yield from ((str(k), v.detach()) for k, v in network.items() if isinstance(v, torch.Tensor))
    if not isinstance(network, _Shell):
        return
    fields = vars(network)
    hidden = fields.get("_non_persistent_buffers_set") or ()
    for kind in ("_parameters", "_buffers"):
        for name, value in (fields.get(kind) or {}).items():
            if isinstance(value, torch.Tensor) and name not in hidden:
                yield f"{prefix}{name}", value.detach()
    for name, module in (fields.get("_modules") or {}).items():
        yield from _tensors_of(module, f"{prefix}{name}.")


class _Shell:
    """Stand-in for any class or function that a pickle names; it accepts every call and does nothing."""

    def __new__(cls, *args: object, **kwargs: object) -> _Shell:
        return super().__new__(cls)

    def __init__(self, *args: object, **kwargs: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        parts = state if isinstance(state, tuple) else (state,)
        for part in parts:
            if isinstance(part, dict):
                self.__dict__.update({str(key): value for key, value in part.items()})

    def __setitem__(self, key: object, value: object) -> None:
        pass

    def append(self, value: object) -> None:
        """Drop an item of a list."""

    def extend(self, values: object) -> None:
        """Drop items of a list."""

    def add(self, value: object) -> None:
        """Drop an item of a set."""


class _Inert(pickle.Unpickler):
    """Unpickler that rebuilds tensors, numbers and plain containers; everything else becomes a shell."""

    def find_class(self, module: str, name: str) -> Any:
        import numpy as np
        import torch

        if module in ("builtins", "__builtin__") and name in _BUILTINS:
            return _BUILTINS[name]
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("_codecs", "encode"):
            return _encode
        if module == "torch._utils" and name in _TENSORS:
            return getattr(torch._utils, name)
        if module == "torch" and (name == "Size" or isinstance(getattr(torch, name, None), torch.dtype)):
            return getattr(torch, name)
        if module.startswith("numpy") and name in ("dtype", "ndarray"):
            return getattr(np, name)
        if module in ("numpy.core.multiarray", "numpy._core.multiarray") and name in ("scalar", "_reconstruct"):
            return super().find_class(module, name)
        return type(name, (_Shell,), {})


def _encode(text: str, encoding: str = "latin1") -> bytes:
    return text.encode("latin1")


def _load(stream: io.BufferedIOBase, **kwargs: Any) -> Any:
    return _Inert(stream, **kwargs).load()
