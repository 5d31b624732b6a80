"""Load, split, scale, train three settings, pick the best, evaluate, draw the confusion matrix, and export the parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypedDict

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from examples.digits.model import Images, Labels, Model, Setting, fit
from merkl import DirRef, FileRef, Future, arg, bash_task, call_seed, file_arg, stdout_arg, task


@dataclass(frozen=True)
class SplitSizes:
    """Shares of the data: the rest is for training."""

    validation: float = 0.2
    test: float = 0.2


class Parts(TypedDict):
    """Row numbers of each part."""

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]


@task
def load() -> tuple[Images, Labels]:
    """The 1,797 handwritten digits that scikit-learn ships: 8 by 8 pixels each, as rows of 64."""
    digits = load_digits()
    return np.asarray(digits.data, dtype=np.float64), np.asarray(digits.target, dtype=np.int64)


@task
def split(labels: Labels, sizes: SplitSizes, seed: int) -> Parts:
    """Shuffle the rows and cut them into parts."""
    rows = np.random.default_rng(seed).permutation(len(labels))
    validation = round(len(rows) * sizes.validation)
    test = round(len(rows) * sizes.test)
    return {
        "validation": rows[:validation],
        "test": rows[validation : validation + test],
        "train": rows[validation + test :],
    }


@task
def scale(images: Images, train: NDArray[np.int64]) -> Images:
    """Bring every pixel to mean 0 and deviation 1, as measured on the training part."""
    deviation = images[train].std(axis=0)
    return np.asarray((images - images[train].mean(axis=0)) / np.where(deviation == 0, 1, deviation))


@task
def train(setting: Setting, images: Images, labels: Labels, rows: NDArray[np.int64], epochs: int) -> Model:
    """Train one model; the seed comes from the call, so each is reproducible and none is like the other."""
    return fit(images[rows], labels[rows], setting, epochs, call_seed())


@task
def accuracy_of(model: Model, images: Images, labels: Labels, rows: NDArray[np.int64]) -> float:
    """The share of rows whose digit the model gets right."""
    return float((model.predict(images[rows]) == labels[rows]).mean())


@task
def pick_best(models: list[Model], scores: list[float]) -> Model:
    """The model with the highest score; the first of several."""
    return models[int(np.argmax(scores))]


@task
def confusion_picture(
    model: Model, images: Images, labels: Labels, rows: NDArray[np.int64]
) -> FileRef[Literal[".png"]]:
    """A picture of which digit is taken for which."""
    from matplotlib.figure import Figure

    counts = np.zeros((10, 10), dtype=np.int64)
    np.add.at(counts, (labels[rows], model.predict(images[rows])), 1)
    figure = Figure(figsize=(5, 5))
    axes = figure.subplots()
    axes.imshow(counts, cmap="Blues")
    axes.set(xlabel="predicted", ylabel="true", xticks=range(10), yticks=range(10))
    for (true, predicted), count in np.ndenumerate(counts):
        axes.text(predicted, true, str(count), ha="center", va="center")
    picture = FileRef[Literal[".png"]]()
    figure.savefig(picture, metadata={"Software": None})
    return picture


@task(outs=["train.csv", "test.csv"])
def export(images: Images, labels: Labels, train: NDArray[np.int64], test: NDArray[np.int64]) -> DirRef:
    """Both parts as tables: the label, then the 64 pixels. Each file is an out of its own."""
    tables = DirRef()
    for name, rows in (("train", train), ("test", test)):
        rows = np.sort(rows)
        table = np.column_stack([labels[rows], images[rows]])
        np.savetxt(tables.get_new_file(name, ".csv"), table, fmt="%d", delimiter=",")
    return tables


#: How often each label occurs in a table, most frequent first.
count_labels = bash_task(
    f"cut -d, -f{arg('column', int, default=1)} {file_arg('table', '.csv')} | sort -n | uniq -c | sort -k1,1nr -k2n "
    f"{stdout_arg(str)}"
)


def train_eval(epochs: int = 20, seed: int = 0, sizes: SplitSizes = SplitSizes()) -> Future[float]:
    """Train three settings, pick the best on the validation part, and return its accuracy on the test part."""
    images, labels = load()
    parts = split(labels, sizes, seed)
    scaled = scale(images, parts["train"])
    settings = [Setting(learning_rate=rate, l2=1e-4) for rate in (0.01, 0.1, 0.5)]
    fit_one = train.bind(images=scaled, labels=labels, rows=parts["train"], epochs=epochs)
    models = fit_one.map(settings)
    scores = [accuracy_of(model, scaled, labels, parts["validation"]) for model in models]
    best = pick_best(models, scores)
    confusion_picture(best, scaled, labels, parts["test"]).write("build/confusion.png")
    tables = export(images, labels, parts["train"], parts["test"])
    tables["test.csv"].write("build/test.csv")
    count_labels(table=tables["train.csv"]).write("build/train_labels.txt")
    return accuracy_of(best, scaled, labels, parts["test"])
