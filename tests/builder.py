"""Configurations for tests: composed by Hydra as the command does it, or a small one made of a few nodes."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from benchmark.cli.overrides import composed as composed  # beside configuration()
from benchmark.paths import CONF

DIGITS = {"_target_": "data/digits"}
ROTATED = {"_target_": "data/rotated_digits"}
SHARE = {"_target_": "data/share", "source": DIGITS, "share": 0.5}
RESNET = {"_target_": "network/small_resnet", "widths": [4, 4, 4]}
VGG = {"_target_": "network/small_vgg", "widths": [4, 4, 4], "hidden": 4}
TRAINING = {"_target_": "training/one_cycle", "epochs": 1, "batch": 256}
TASK = {"_target_": "task/classification", "data": DIGITS, "architecture": RESNET, "training": TRAINING}
ANGLE = {**TASK, "_target_": "task/regression", "data": ROTATED, "scale": 26.0}
AS_MADE = {"as_made": {"_target_": "channel/as_made"}}
BOTH = {**AS_MADE, "eight_bit": {"_target_": "channel/eight_bit"}}
INDEPENDENT = {"_target_": "suspect/independent", "replicate": [0, 1]}

MINI: dict[str, Any] = {
    "name": "mini",
    "task": {"digits": TASK},
    "suspect": {
        "weight_pruning": {"_target_": "suspect/weight_pruning", "ratio": [0.1, 0.5]},
        "independent": INDEPENDENT,
    },
    "fingerprint": {"random": {"_target_": "fingerprint/random"}},
    "channel": AS_MADE,
    "auxiliary": {
        "surrogate": [{"_target_": "suspect/finetune"}],
        "reference": [{"_target_": "suspect/independent"}],
    },
    "trainer": {"_target_": "trainer/lightning", "device": "cpu"},
    "executor": {"_target_": "executor/local", "workers": 1},
    "count": 10,
    "repeats": 2,
    "accusation": {"references": 0, "rate": 0.05},
    "gallery": 1,
    "blind": {"level": 0.05, "victims": True},  # an epoch of so narrow a network teaches nothing
}


def configuration(folder: Path | str = "nowhere", **changes: Any) -> dict[str, Any]:
    """A whole experiment in about two seconds: one task, four suspects, one method; `changes` replace its nodes.

    What it does not name is as in conf/config.yaml. Store and results lie in `folder`.
    """
    top = OmegaConf.to_container(OmegaConf.load(CONF / "config.yaml"))
    assert isinstance(top, dict)
    known = {str(key): value for key, value in top.items() if key not in ("defaults", "hydra")}
    places = {"store": str(Path(folder) / "store"), "results": str(Path(folder) / "results")}
    return copy.deepcopy({**known, **MINI, **places, **changes})
