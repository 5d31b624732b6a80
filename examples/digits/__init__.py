"""Handwritten digits: `merkl run examples.digits.train_eval --epochs 30`."""

from examples.digits.pipeline import (
    accuracy_of,
    confusion_picture,
    count_labels,
    export,
    load,
    pick_best,
    scale,
    split,
    train,
    train_eval,
)

__all__ = [
    "accuracy_of",
    "confusion_picture",
    "count_labels",
    "export",
    "load",
    "pick_best",
    "scale",
    "split",
    "train",
    "train_eval",
]
