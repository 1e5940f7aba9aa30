"""Files as other tools write them, shortened."""

from __future__ import annotations

EVOLVE = """\
   metrics/precision,      metrics/recall,     metrics/mAP_0.5,metrics/mAP_0.5:0.95,        val/box_loss,        val/obj_loss,        val/cls_loss,                 lr0,            momentum,                 box,                 cls,              cls_pw,                 obj,            anchor_t,               hsv_h,             anchors
              0.5123,              0.4012,             0.41234,              0.2134,            0.045123,             0.03012,            0.012345,                0.01,               0.937,                0.05,                 0.5,                   1,                   1,                   4,               0.015,                   3
             0.53991,             0.41777,             0.43011,             0.22456,            0.044101,            0.029811,            0.011982,             0.00812,             0.94512,             0.04411,             0.52301,             0.97001,              1.0893,              3.7721,             0.01622,              2.8812
                 nan,                   0,                   0,                 nan,                 nan,                 nan,                 nan,                 0.1,                 0.98,                 0.2,                   4,                   2,                   4,                   2,                 0.1,                   3
"""
TUNING = """\
{"iteration": 1, "fitness": 0.31, "hyperparameters": {"lr0": 0.01, "box": 7.5, "close_mosaic": 10}, "datasets": {"a": {"fitness": 0.31}}}
{"iteration": 2, "fitness": 0.0, "hyperparameters": {"lr0": 0.02, "box": 19.0, "close_mosaic": 3}, "datasets": {"a": {"fitness": 0.0}}, "failed_datasets": ["a"]}
{"iteration": 3, "fitness": 0.33, "hyperparameters": {"lr0": 0.008, "box": 8.25, "close_mosaic": 7}, "datasets": {"a": {"fitness": 0.33}}}
"""
OLD_TUNING = "fitness,lr0,box,cls\n0.5,0.01,0.06,0.5\n\n0.6,0.0021,0.11,0.7\n"  # Ultralytics 8.0 searched box to .2
YOLOV5 = """\
# YOLOv5 Hyperparameter Evolution Results
lr0: 0.012
lrf: 0.01
momentum: 0.94
box: 0.06
cls: 0.5
cls_pw: 1.0
obj: 1.0
obj_pw: 1.0
iou_t: 0.2
anchor_t: 4.0
fl_gamma: 0.0
hsv_h: 0.015
"""
YOLOV7 = YOLOV5 + "paste_in: 0.15\nloss_ota: 1\n"
YOLOV9 = YOLOV5.replace("box: 0.06", "box: 7.0") + "dfl: 1.5\n"
OPT = "weights: yolov5s.pt\nhyp: data/hyps/hyp.scratch-low.yaml\nepochs: 3\noptimizer: AdamW\ncos_lr: false\n"
NESTED_OPT = "weights: yolov5s.pt\nhyp:\n  lr0: 0.012\n  box: 0.06\n  obj: 1.0\nepochs: 3\noptimizer: SGD\n"
OPTUNA = """\
,number,value,datetime_start,duration,params_box,params_cos_lr,params_lr0,params_optimizer,user_attrs_note,state
0,0,0.41,2026-11-28 15:13:50.676398,0 days 00:00:00.007653,8.5,True,0.0009,adamw,"a, b
c",COMPLETE
1,1,0.52,2026-11-28 15:13:50.684122,0 days 00:00:00.000437,9.5,False,,,,COMPLETE
2,2,,2026-11-28 15:13:50.684570,0 days 00:00:00.000030,,,,,,PRUNED
3,3,,2026-11-28 15:13:50.684624,0 days 00:00:00.000036,,,,,,FAIL
"""
RAY_CONFIG = '{"lr0": 0.006, "box": 12.5, "data": "coco8.yaml", "close_mosaic": 9}'
RAY_RESULT = "".join(
    f'{{"metrics/mAP50-95(B)": {score}, "epoch": {epoch}, "trial_id": "6a_1", "pid": 9, "config": {RAY_CONFIG}}}\n'
    for epoch, score in ((1, 0.1), (2, 0.3), (3, 0.2))
)
RAY_TABLE = """\
metrics/mAP50-95(B),epoch,trial_id,hostname,config/lr0,config/box,config/data,config/close_mosaic,logdir
0.1,1,6a_1,vm,0.006,12.5,coco8.yaml,9,6a_1
0.3,2,6a_1,vm,0.006,12.5,coco8.yaml,9,6a_1
0.2,1,6a_2,vm,0.003,19.3,coco8.yaml,4,6a_2
"""
RAY_PROGRESS = "metrics/mAP50-95(B),epoch,trial_id,hostname\n0.1,1,6a_1,vm\n0.3,2,6a_1,vm\n"
CURVE = "epoch,time,train/box_loss,metrics/mAP50-95(B),lr/pg0\n1,3.2,1.1,0.1,0.003\n2,3.1,0.9,0.31,0.006\n"
OLD_CURVE = (
    "               epoch,      train/box_loss,metrics/mAP_0.5:0.95,               x/lr0\n 0, 0.11, 0.25, 0.07\n"
)
ARGUMENTS = """\
task: detect
mode: train
model: yolo11n.pt
data: coco8.yaml
epochs: 100
batch: 16
imgsz: 640
pretrained: true
optimizer: SGD
single_cls: false
freeze: null
conf: null
lr0: 2e-3
momentum: 0.9
box: 0.9
cls_pw: 0.1
dfl: 1.5
close_mosaic: 5
cos_lr: true
fl_gamma: 0.0
"""
WANDB = """\
wandb_version: 1
_wandb:
  desc: null
  value: {python_version: 3.8}
lr0: {desc: null, value: 1e-3}
optimizer: {desc: null, value: adamw}
box: {desc: null, value: 8}
"""
OURS = (
    "# Training recipe found by automl. Train it with:\n#   yolo detect train cfg=hyp.yaml\n#\n# study: a\n\n"
    + ARGUMENTS
)
OURS_JSON = '{\n  "facts": {\n    "study": "birds"\n  },\n  "arguments": {"model": "yolov5n.yaml", "optimizer": "AdamW", "lr0": 0.001}\n}\n'
