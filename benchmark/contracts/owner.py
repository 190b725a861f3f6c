"""What an owner has and what a method needs: auxiliary models, and assets that are trained once for a victim."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from benchmark.data.base import Splits
from benchmark.networks.network import Network
from benchmark.spec.component import Component
from benchmark.tasks.base import Task
from benchmark.tasks.rebuilding import rebuilt, untrained
from benchmark.training.checkpoint import Checkpoints
from benchmark.training.trainer import Fit

State = Mapping[str, Tensor]  # what is kept of an asset: named tensors


@dataclass(frozen=True)
class Owner:
    """What the owner has: task, data, the victim, and what was trained to build or calibrate a method.

    Surrogates are copies that the owner made of the victim, references independent models; their seeds have a role of
    their own, so that none of them is ever a suspect that is judged. Assets are what else the method `needs`, by name.
    """

    task: Task
    data: Splits
    victim: Network
    surrogates: tuple[Network, ...] = ()
    references: tuple[Network, ...] = ()
    assets: Mapping[str, State] = field(default_factory=dict)

    def restored(self, state: State) -> Network:
        """A network of the task's with the tensors that an asset kept, in eval mode, on the victim's device."""
        network = rebuilt(self.task, state).to(self.victim.last.weight.device)
        return network.eval().requires_grad_(False)


@dataclass(frozen=True)
class Needs:
    """What a method wants the owner to have besides the victim: so many surrogates and references, and assets."""

    surrogates: int = 0
    references: int = 0
    assets: Mapping[str, Asset] = field(default_factory=dict)

    def models(self) -> tuple[tuple[str, int], tuple[str, int]]:
        """How many models of either role."""
        return ("surrogate", self.surrogates), ("reference", self.references)


@dataclass(frozen=True)
class Preparation:
    """What an asset is made with.

    Attributes:
        owner: the victim, on its device, and the surrogates, references and assets that the asset `needs`.
        fit: the trainer. A training by it that is cut off goes on from its last saved epoch.
        checkpoints: where a loop of the asset's own saves its state, and finds what an attempt that was cut off saved.
    """

    owner: Owner
    seed: int
    fit: Fit
    checkpoints: Checkpoints

    def fresh(self) -> Network:
        """An untrained network of the task's architecture, its weights drawn from the seed or out of a file."""
        return untrained(self.owner.task, self.seed).to(self.owner.victim.last.weight.device)


class Asset(Component, ABC):
    """Something that is trained once for each victim, such as a generator or a verifier's network.

    It is a setting of the method, or made of its settings, and named in what the method `needs`; the method finds the
    result in `Owner.assets`. All repeats and numbers of prints share it.
    """

    def needs(self) -> Needs:
        """What the asset asks of the owner besides the victim."""
        return Needs()

    @abstractmethod
    def prepare(self, given: Preparation) -> State:
        """The asset as named tensors, on any device.

        Raises:
            Inapplicable: the victim's network is not such that it could be made; the message says why.
        """
