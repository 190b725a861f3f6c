"""Adaptive attack: the thief has got hold of the prints and fine-tunes them away (DeepJudge: Adapt-B, Adapt-W)."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmark.contracts.prints import Prints
from benchmark.contracts.suspect import Ingredients, Suspect
from benchmark.contracts.truth import Relation
from benchmark.data.base import ImageSet
from benchmark.networks.network import Network
from benchmark.spec.component import setting
from benchmark.tasks.base import Task
from suspects.extract import to_bytes


class FineTuneOnLeak(Suspect, name="suspect/leaked"):
    """Fine-tunes all layers on clean images mixed with leaked prints, which are labelled with what they show.

    The prints are those of repeat 0, which are then judged in the knowledge of the thief; the prints of later repeats
    have not leaked, and tell whether the thief learnt the method or these prints only.

    Attributes:
        method: whose prints have leaked, a key of the experiment's fingerprints.
        times: how often each print comes in an epoch; a clean image comes once.
    """

    method: str = "saliency"
    times: int = setting(default=3, low=1)
    epochs: int = setting(default=10, low=1)
    learning_rate: float = setting(default=0.001, above=0)

    relation: ClassVar[Relation] = Relation.MODIFIED

    @property
    def leaks(self) -> str:
        return self.method

    def derive(self, given: Ingredients) -> Network:
        if given.leaked is None:
            raise ValueError(f"this recipe has no prints of {self.method}")
        network, clean = given.copy_of_victim(), given.data.train
        targets = shown(given.task, network, given.leaked, clean, torch.Generator().manual_seed(given.seed))
        images = torch.cat([clean.images, to_bytes(given.leaked.samples).repeat(self.times, 1, 1, 1)])
        mixed = ImageSet(images, torch.cat([clean.targets, targets.to(clean.targets.dtype).repeat(self.times)]))
        training = dataclasses.replace(given.task.training, epochs=self.epochs, learning_rate=self.learning_rate)
        return given.fit(network, mixed, given.task.loss, training, given.seed)


def shown(task: Task, victim: Network, prints: Prints, clean: ImageSet, generator: torch.Generator) -> Tensor:
    """What the prints show (N,): their true label, else the victim's own answer to the image they were made from.

    For values that is always the victim's answer; for similarity the identity whose prototype is nearest to it. Prints
    made of nothing show nothing: each gets the target of a random clean image.
    """
    if task.kind == "classification" and prints.origin is not None and "label" in prints.payload:
        return prints.payload["label"]
    if prints.origin is None:
        index = torch.randint(len(clean), (len(prints.samples),), generator=generator)
        return clean.targets[index.to(clean.targets.device)]
    with torch.no_grad():
        answer = victim(prints.origin)
        if victim.prototypes is not None:
            answer = F.normalize(answer, dim=1) @ F.normalize(victim.prototypes, dim=1).T
    return answer.argmax(dim=1) if answer.ndim == 2 else answer
