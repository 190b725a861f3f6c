"""The contract of an asset: what a method trains once for a victim, before any prints are made."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

from benchmark.spec.component import Component
from benchmark.training.checkpoint import Checkpoints
from benchmark.training.trainer import Fit

if TYPE_CHECKING:
    from benchmark.contracts.fingerprint import Needs, Owner

State = Mapping[str, Tensor]  # what is kept of an asset: named tensors


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


class Asset(Component, ABC):
    """Something that is trained once for each victim, such as a generator or a verifier's network.

    It is a setting of the method, or made of its settings, and named in what the method `needs`; the method finds the
    result in `Owner.assets`. All repeats and numbers of prints share it.
    """

    def needs(self) -> Needs:
        """What the asset asks of the owner besides the victim."""
        from benchmark.contracts.fingerprint import Needs

        return Needs()

    @abstractmethod
    def prepare(self, given: Preparation) -> State:
        """The asset as named tensors, on any device.

        Raises:
            Inapplicable: the victim's network is not such that it could be made; the message says why.
        """
