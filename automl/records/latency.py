"""Record of the time that one network takes for an image."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Time of one image's way through a network, measured warm and alone (batch 1) on one device.

    `median_ms` is the whole: pre-processing, the network and post-processing (NMS; fusion, for an ensemble).
    """

    name: str  # "trial 3", "trial 3, TTA", "ensemble", "soup"
    trial: int | None  # None for an ensemble
    sha256: str  # of the weights; of an ensemble that of its members' digests
    engine: str  # "torch", "onnx" or "openvino"
    precision: str  # "fp32", "fp16" or "int8"
    model: str
    imgsz: int  # pixels
    device: str  # name of the processor or the GPU
    threads: int  # CPU threads; 0 on a GPU
    median_ms: float
    p95_ms: float
    pre_ms: float  # median of reading the pixels into the network's input
    network_ms: float
    post_ms: float
    memory_bytes: int  # high-water mark of the process, or of the GPU
    repeats: int  # images that were timed
    parameters: int = 0
    gflops: float = 0.0  # of one image
    map50_95: float | None = None  # on val, of this very engine and precision; None: not measured
    versions: str = ""  # of the engine
    at: float = 0.0  # POSIX seconds
