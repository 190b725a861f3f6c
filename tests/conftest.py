"""Shared by all tests: one thread, and a tiny task of each kind with a victim trained in about a second."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from benchmark.contracts.owner import Owner
from benchmark.contracts.suspect import Ingredients
from benchmark.data.base import ImageSet, Splits
from benchmark.data.digits import Digits, RotatedDigits
from benchmark.networks.network import Network
from benchmark.networks.small import SmallMobileFaceNet, SmallResNet, SmallVGG
from benchmark.tasks.base import Task, Training
from benchmark.tasks.classification import Classification
from benchmark.tasks.regression import Regression
from benchmark.tasks.similarity import Similarity
from benchmark.training.trainer import Trainer
from suspects.independent import Independent

torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What is remembered of picture files is the tests' own, in the processes that they start too."""
    os.environ["WHOSENET_CACHE"] = str(tmp_path_factory.mktemp("cache"))


WIDTHS = (8, 12, 16)
TRAINING = Training(epochs=3, learning_rate=0.01, batch=32)
TASKS: dict[str, Task] = {
    "classification": Classification(data=Digits(), architecture=SmallResNet(widths=WIDTHS), training=TRAINING),
    "regression": Regression(
        data=RotatedDigits(),
        architecture=SmallVGG(widths=WIDTHS, hidden=16),
        training=TRAINING,
        scale=26.0,
        unit="degrees",
        drop=1.0,
    ),
    "similarity": Similarity(
        data=Digits(),
        architecture=SmallMobileFaceNet(widths=WIDTHS),
        training=TRAINING,
        dimensions=16,
        arc_scale=16.0,
        arc_margin=0.3,
        pairs=400,
    ),
}


@pytest.fixture(scope="session")
def tasks() -> dict[str, Task]:
    """A tiny task of each kind, by kind."""
    return TASKS


@pytest.fixture(scope="session", params=sorted(TASKS))
def task(request: pytest.FixtureRequest) -> Task:
    """Each of the tiny tasks in turn."""
    return TASKS[request.param]


@pytest.fixture(scope="session")
def trainer() -> Trainer:
    return Trainer(device="cpu", channels_last=False)


@pytest.fixture(scope="session")
def splits_of() -> Callable[[Task], Splits]:
    """The first 320 training, 100 validation and 100 test images of a task."""
    cache: dict[str, Splits] = {}

    def first(part: ImageSet, count: int) -> ImageSet:
        return ImageSet(part.images[:count], part.targets[:count])

    def load(task: Task) -> Splits:
        if task.kind not in cache:
            whole = task.data.load()
            cache[task.kind] = Splits(first(whole.train, 320), first(whole.valid, 100), first(whole.test, 100))
        return cache[task.kind]

    return load


@pytest.fixture(scope="session")
def victim_of(splits_of: Callable[[Task], Splits], trainer: Trainer) -> Callable[[Task], Network]:
    """A copy of the victim of one of the tiny tasks, which the caller may change."""
    cache: dict[str, Network] = {}

    def victim(task: Task) -> Network:
        if task.kind not in cache:
            cache[task.kind] = Independent().derive(Ingredients(task, splits_of(task), None, 1, trainer.fit))
        return copy.deepcopy(cache[task.kind])

    return victim


@pytest.fixture(scope="session")
def ingredients_of(
    splits_of: Callable[[Task], Splits], victim_of: Callable[[Task], Network], trainer: Trainer
) -> Callable[..., Ingredients]:
    """What a recipe gets for one of the tiny tasks: `ingredients_of(task, seed=2, fit=trainer.fit)`."""

    def case(task: Task, seed: int = 2, fit: Callable[..., Network] = trainer.fit) -> Ingredients:
        return Ingredients(task, splits_of(task), victim_of(task), seed, fit)

    return case


class DoubleSet(ImageSet):
    """An image set whose pixels are float64."""

    def pixels(self, index: Tensor | slice = slice(None)) -> Tensor:
        return self.images[index].double() / 255


@pytest.fixture
def owner_of(splits_of: Callable[[Task], Splits], victim_of: Callable[[Task], Network]) -> Callable[..., Owner]:
    """`owner_of(task, double=False)`: the owner of a tiny task's victim, without auxiliary models."""

    def owner(task: Task, double: bool = False) -> Owner:
        victim, data = victim_of(task), splits_of(task)
        if double:
            victim = victim.double()
            data = Splits(*(DoubleSet(part.images, part.targets) for part in (data.train, data.valid, data.test)))
        return Owner(task, data, victim)

    return owner


@pytest.fixture
def classifier(tasks: dict[str, Task], owner_of: Callable[..., Owner]) -> Owner:
    """The owner of the tiny classification task."""
    return owner_of(tasks["classification"])


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def generator() -> Callable[[int], torch.Generator]:
    return seeded
