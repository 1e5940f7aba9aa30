"""Start of a network from a checkpoint, tensor by tensor as `yolo` does it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from ultralytics.nn.tasks import DetectionModel

from automl.trainers.ultralytics.weights import Checkpoint, load_matching


def load(model: Any, description: Mapping[str, Any], checkpoint: Checkpoint, *, as_yolo: bool) -> tuple[int, int]:
    """Copy the checkpoint's tensors into the network; return the number of those that fit, and of all.

    description  of the network, as schema.read_model gives it
    as_yolo      True: as Ultralytics starts from a checkpoint of such a network. Its classification branch then keeps
                 its width, and outputs of classes with the same name are kept. False: by name and shape alone

    Raises BadWeights if none fits.
    """
    source = _source(description, checkpoint) if as_yolo else None
    if source is None:
        return load_matching(model, checkpoint.state, checkpoint.source)
    names = model.names
    model.load(source, verbose=False)
    model.names = names
    own = model.state_dict()
    return sum(value.shape == checkpoint.state[name].shape for name, value in own.items()), len(own)


def _source(description: Mapping[str, Any], checkpoint: Checkpoint) -> Any:
    """The network that the checkpoint holds, built from our description; None if it is another one.

    Nothing of the checkpoint but its tensors and names of classes is used, since a network's description is code.
    The state of the random generators is left as it was: Ultralytics draws none of these numbers.
    """
    state = checkpoint.state
    outputs = [name for name in state if re.fullmatch(r"model\.\d+\.(?:one2one_)?cv3\.\d+\.2\.weight", name)]
    if not outputs:
        return None
    classes, width = state[outputs[0]].shape[:2]
    with torch.random.fork_rng(devices=[]):
        source = DetectionModel({**description}, nc=int(width), verbose=False)  # the branch is as wide as its classes
        head = source.model[-1]
        for branch in filter(None, (getattr(head, "cv3", None), getattr(head, "one2one_cv3", None))):
            for layers in branch:
                layers[-1] = torch.nn.Conv2d(layers[-1].in_channels, int(classes), 1)
    head.nc = int(classes)
    own = source.state_dict()
    if own.keys() != state.keys() or any(own[name].shape != value.shape for name, value in state.items()):
        return None
    source.load_state_dict(dict(state))
    source.names = dict(checkpoint.names)
    return source
