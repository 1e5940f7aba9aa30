"""Names inside Ultralytics, and torch's loader, that the trainer relies on: none is promised to stay.

Whoever uses a new one enters it here; tests compare this table with the code and with the installed version.
"""

from __future__ import annotations

from automl.files.installed import PrivateName

ENGINE = "ultralytics"

_TRAINER = "ultralytics.engine.trainer:BaseTrainer"
_DETECTION = "ultralytics.models.yolo.detect:DetectionTrainer"
_VALIDATOR = "ultralytics.models.yolo.detect:DetectionValidator"
_DATASET = "ultralytics.data.dataset:YOLODataset"
_MODEL = "ultralytics.nn.tasks:DetectionModel"
_TORCH = "ultralytics.utils.torch_utils"
_LOADER = "ultralytics.data.build:InfiniteDataLoader"


def _attributes(kind: str, purpose: str, *names: str) -> tuple[PrivateName, ...]:
    """Entries for attributes of an instance, and for events, that only the methods of a class mention."""
    return tuple(PrivateName(f"{kind}().{name}", purpose) for name in names)


def _bars(module: str, caller: str) -> PrivateName:
    return PrivateName(
        f"ultralytics.{module}:TQDM",
        "to draw no progress bars",
        f"ultralytics.{module}:{caller}",
        degraded="its progress bars stand in the logs of the trials",
    )


_PROTECTION = (
    PrivateName(
        "ultralytics.data.utils:_replace_image",
        "to keep it from writing damaged images of the user anew",
        "ultralytics.data.utils:check_image",
    ),
    PrivateName(f"{_DATASET}._load_or_scan_cache", "to write no label cache beside the user's images", _DATASET),
    PrivateName(f"{_DATASET}.cache_labels", "to parse the labels into a cache of its own"),
    *_attributes("ultralytics.data.base:BaseDataset", "to read no arrays beside the user's images", "npy_files"),
    PrivateName("ultralytics.data.dataset:DATASET_CACHE_VERSION", "to recognise a label cache of another version"),
    PrivateName("ultralytics.engine.trainer:check_amp", "to check half precision without a download", _TRAINER),
    PrivateName("ultralytics.utils:SETTINGS", "to switch trackers off"),
    PrivateName("ultralytics.utils.downloads:safe_download", "to download pretrained weights"),
    PrivateName("ultralytics.utils.downloads:GITHUB_ASSETS_NAMES", "to know which networks have pretrained weights"),
    PrivateName("ultralytics.utils.downloads:attempt_download_asset", "to know the release of the weights"),
)
_BARS = (
    _bars("engine.trainer", "BaseTrainer"),
    _bars("engine.validator", "BaseValidator"),
    _bars("data.dataset", "YOLODataset"),
    _bars("data.base", "BaseDataset"),
    PrivateName("ultralytics.utils:TQDM", "to draw no progress bars"),
)
_LOOP = (
    PrivateName(f"{_TRAINER}.train", "to train"),
    PrivateName(f"{_TRAINER}._do_train", "to run the training loop", f"{_TRAINER}.train"),
    PrivateName(f"{_TRAINER}._setup_train", "to build what is trained", f"{_TRAINER}._do_train"),
    PrivateName(f"{_TRAINER}.run_callbacks", "to follow the training", f"{_TRAINER}._do_train"),
    *_attributes(
        _TRAINER,
        "to follow the training",
        *("on_train_start", "on_train_epoch_start", "on_train_batch_start", "on_train_batch_end"),
        *("on_train_epoch_end", "on_fit_epoch_end"),
    ),
    PrivateName(f"{_TRAINER}.get_dataset", "to read the data set without a download", _TRAINER),
    PrivateName(f"{_DETECTION}.build_dataset", "to give the training its own data set", _DETECTION),
    PrivateName(f"{_DETECTION}.get_dataloader", "to load the images of a split", _TRAINER),
    PrivateName(f"{_DETECTION}.get_model", "to build the network with the weights that fit", _TRAINER),
    PrivateName(f"{_DETECTION}.get_validator", "to keep what is detected in each image", _TRAINER),
    PrivateName(f"{_DETECTION}.preprocess_batch", "to step when a step is due after a resume", _TRAINER),
    PrivateName(f"{_DETECTION}.set_class_weights", "to measure weights without a train split", _TRAINER),
    PrivateName(f"{_TRAINER}._build_train_pipeline", "to measure weights without a train split", _TRAINER),
    PrivateName(f"{_TRAINER}.build_optimizer", "to know the optimizer that `auto` stands for", _TRAINER),
    PrivateName(f"{_TRAINER}.optimizer_step", "to go on from a snapshot at the right batch", _TRAINER),
    PrivateName(f"{_TRAINER}.resume_training", "to go on from a snapshot", _TRAINER),
    PrivateName(f"{_TRAINER}._get_warmup_iterations", "to know how long the warm-up lasts", _TRAINER),
    PrivateName(f"{_TRAINER}.validate", "to time the validation", _TRAINER),
    PrivateName(f"{_DETECTION}.label_loss_items", "to name the losses", _TRAINER),
    PrivateName(f"{_TRAINER}._handle_nan_recovery", "to end a trial that has diverged", _TRAINER),
    PrivateName(f"{_TRAINER}._clear_memory", "to save the time of a collection on a CPU", _TRAINER),
    PrivateName(f"{_TRAINER}.save_model", "to keep weights elsewhere", _TRAINER),
    PrivateName(f"{_TRAINER}.save_metrics", "to keep the epochs elsewhere", _TRAINER),
    PrivateName(f"{_TRAINER}.final_eval", "to validate no epoch twice", _TRAINER),
    *_attributes(_TRAINER, "to let a batch that does not fit be an error", "_oom_retries"),
    *_attributes(_TRAINER, "to know what is trained", "args", "batch_size", "callbacks", "data", "device", "model"),
    *_attributes(_TRAINER, "to know how far it is", "epoch", "epochs", "loss", "loss_items", "start_epoch", "tloss"),
    *_attributes(_TRAINER, "to know how good it is", "fitness", "metrics", "validator"),
    *_attributes(
        _TRAINER,
        "to take snapshots",
        *("accumulate", "best_fitness", "ema", "optimizer", "scaler", "scheduler", "stopper", "train_loader"),
    ),
    *_attributes(_TRAINER, "to write only into the trial's folder", "save_dir", "wdir"),
    *_attributes(_TRAINER, "to measure the weights of a trial", "test_loader"),
)
_STATE = (
    *_attributes(f"{_TORCH}:ModelEMA", "to keep the averaged weights", "ema", "updates"),
    *_attributes(f"{_TORCH}:EarlyStopping", "to take snapshots", "best_fitness", "best_epoch"),
    *_attributes("ultralytics.utils.loss:E2ELoss", "to go on where the weights of a loss change", "updates"),
    PrivateName(f"{_MODEL}.init_criterion", "to go on where the weights of a loss change"),
    *_attributes(_MODEL, "to go on where the weights of a loss change", "criterion"),
    *_attributes("ultralytics.nn.tasks:_initialize_yolo_model", "to check which network is trained", "yaml"),
    *_attributes("ultralytics.nn.modules.head:Detect", "to check how many classes are trained", "nc"),
    *_attributes("ultralytics.nn.modules.head:Detect", "to start from a checkpoint as `yolo` does", "cv3"),
    PrivateName(f"{_MODEL}.load", "to start from a checkpoint as `yolo` does"),
    PrivateName(f"{_LOADER}.reset", "to let go of the loaders' processes"),
    PrivateName(f"{_LOADER}._get_iterator", "to draw the images in the same order after a resume", _LOADER),
    PrivateName("torch.utils.data.dataloader:_BaseDataLoaderIter._next_index", "to draw the images in the same order"),
)
_IMAGES = (
    PrivateName(f"{_DATASET}.load_image", "to decode each image once", "ultralytics.data.base:BaseDataset"),
    *_attributes(_DATASET, "to decode each image once", "augment", "im_files", "imgsz", "ims", "im_hw", "im_hw0"),
    *_attributes(_DATASET, "to fill the mosaic's buffer after a resume", "buffer", "max_buffer_length"),
)
_MEASURING = (
    PrivateName(
        f"{_VALIDATOR}.get_stats",
        "to keep what is detected in each image",
        "ultralytics.engine.validator:BaseValidator",
    ),
    PrivateName(f"{_VALIDATOR}._check_max_det", "to measure weights with the limit of their training"),
    PrivateName(f"{_MODEL}.set_head_attr", "to measure weights with the limit of their training"),
    *_attributes(_VALIDATOR, "to measure the weights of a trial", "_callbacks", "dataloader", "metrics"),
    *_attributes("ultralytics.utils.metrics:DetMetrics", "to keep what is detected in each image", "stats"),
    PrivateName(f"{_MODEL}._predict_augment", "to predict with test-time augmentation"),
    PrivateName(f"{_MODEL}.loss", "to name the losses"),
    PrivateName(f"{_MODEL}.fuse", "to time one image"),
    PrivateName(
        "ultralytics.utils.plotting:plot_images",
        "to wait for the pictures of the test split",
        _VALIDATOR,
        degraded="pictures of the test split may be missing",
    ),
)
_IMPORTED = (
    PrivateName(_DATASET, "to read images"),
    PrivateName(_DETECTION, "to train"),
    PrivateName(_VALIDATOR, "to measure the weights of a trial"),
    PrivateName(_MODEL, "to build the network"),
    PrivateName("ultralytics.data.utils:check_det_dataset", "to read the data.yaml"),
    PrivateName("ultralytics.data.utils:get_split_fraction", "to train on a share of the images"),
    PrivateName("ultralytics.utils:DEFAULT_CFG_KEYS", "to write weights that its own commands load"),
    PrivateName("ultralytics.utils:LOGGER", "to write the log of a trial"),
    PrivateName("ultralytics.utils.nms:non_max_suppression", "to predict the objects of an image"),
    PrivateName("ultralytics.utils.patches:imread", "to read an image as a validation does"),
    PrivateName("ultralytics.utils:colorstr", "to write the log of a trial"),
    PrivateName(f"{_TORCH}:get_flops", "to tell the size of a network"),
    PrivateName(f"{_TORCH}:init_seeds", "to draw the weights that a trial began with"),
    PrivateName(f"{_TORCH}:unwrap_model", "to reach the network itself"),
    *(
        PrivateName(f"torch._utils:{name}", "to read weights without running the code in their file")
        for name in ("_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_parameter")
    ),
)

NAMES = (*_PROTECTION, *_IMPORTED, *_LOOP, *_STATE, *_IMAGES, *_MEASURING, *_BARS)
