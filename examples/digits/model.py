"""A softmax classifier in plain numpy: small enough to read, real enough to learn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

Images = NDArray[np.float64]
Labels = NDArray[np.int64]


class Setting(BaseModel):
    """How a model is trained."""

    learning_rate: float = Field(gt=0)
    l2: float = Field(default=0.0, ge=0)


@dataclass(frozen=True)
class Model:
    """Weights that give the log-odds of each digit: `images @ weights + bias`."""

    weights: NDArray[np.float64]
    bias: NDArray[np.float64]
    setting: Setting

    def predict(self, images: Images) -> Labels:
        """Return the most likely digit of each image."""
        return np.asarray(np.argmax(images @ self.weights + self.bias, axis=1))


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probabilities of each row."""
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def fit(images: Images, labels: Labels, setting: Setting, epochs: int, seed: int) -> Model:
    """Train by mini-batch gradient descent."""
    rng = np.random.default_rng(seed)
    weights = np.zeros((images.shape[1], 10))
    bias = np.zeros(10)
    for _ in range(epochs):
        for batch in np.array_split(rng.permutation(len(images)), max(1, len(images) // 64)):
            error = softmax(images[batch] @ weights + bias)
            error[np.arange(len(batch)), labels[batch]] -= 1
            weights -= setting.learning_rate * (images[batch].T @ error / len(batch) + setting.l2 * weights)
            bias -= setting.learning_rate * error.mean(axis=0)
    return Model(weights, bias, setting)
