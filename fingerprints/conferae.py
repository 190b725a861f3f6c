"""ConferAE: adversarial examples that carry over to copies and to nothing else (Lukas, Zhang, Kerschbaum, ICLR 2021).

The conferrable ensemble method (CEM) asks two ensembles of the owner's: surrogates S, copies made of the victim M, and
references R, trained independently. With dropout of whole models in both, ME(x) = Surr(x) (1 - Ref(x)) per class, and
alpha H(1, max_t ME(x')_t) - beta H(M(x), M(x')) + gamma H(M(x'), Surr(x')),  s.t. ||x' - x||_inf <= eps,
is minimised over a print x' made from x. M, Surr and Ref are probabilities, H(p, q) = -sum_t p_t log q_t.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from benchmark.contracts.fingerprint import Verifier
from benchmark.contracts.owner import Needs, Owner
from benchmark.contracts.prints import Prints
from benchmark.crafting.descent import AdamDescent
from benchmark.data.base import draw
from benchmark.errors import InputError
from benchmark.networks.network import Network
from benchmark.spec.component import setting
from benchmark.tasks.base import Payload, Task
from fingerprints.labels import LabelFingerprint, LabelMatch

TINY = 1e-7  # how far probabilities are kept from 0 (and ME from 1 too) under a logarithm


class AdversarialMatch(LabelMatch):
    """Share of prints on which the suspect's label is the victim's and not the source's.

    On a candidate that kept its label every good model answers as the victim does. It is no adversarial example and
    never matches, so that it counts as a print that does not work on the victim.
    """

    def matches(self, measured: Tensor, payload: Payload) -> Tensor:
        return super().matches(measured, payload) & (payload["answer"] != payload["label"])


class ConferAE(LabelFingerprint, name="fingerprint/conferae"):
    """CEM from training images that the victim classifies correctly; Adam without a random start.

    A candidate is accepted if the victim's label t of it is not the source's and its conferrability
    Transfer(S, t) (1 - Transfer(R, t)) reaches `accept`, Transfer being the share of models that answer t. What is not
    accepted is replaced by new candidates, `rounds` batches at most; then the best of the rest fill up, those with a
    changed label first and by ME(x')_t.

    -beta H(M(x), M(x')) has no lower bound and would outweigh the other terms in the end, so H stops to count at
    `cap`: the default is -ln 0.01, beyond which the victim gives the old label less than 1 %.

    With the paper's max over all classes (`me_class: max`) a print may settle on its old label, which is conferrable
    too where references are unsure of it. `other`, the default, leaves the old label out of the max, so that the first
    two terms agree. `victim` takes ME at M's answer.

    The original takes 300 steps of 5e-4; 30 of 0.005 take a tenth of the time and verified as well on digits, though
    fewer candidates reached `accept`.
    """

    display: ClassVar[str] = "ConferAE"
    version: ClassVar[int] = 2  # 2: prints that kept their label are replaced

    eps: float = setting(default=0.025, above=0, high=1)
    alpha: float = setting(default=1.0, low=0)
    beta: float = setting(default=1.0, low=0)
    gamma: float = setting(default=1.0, low=0)
    cap: float = setting(default=4.6, above=0)
    me_class: str = setting(default="other", choices=("other", "max", "victim"))
    me_softmax: bool = False
    dropout: float = setting(default=0.3, low=0, high=0.99)
    learning_rate: float = setting(default=0.005, above=0)
    steps: int = setting(default=30, low=1)
    accept: float = setting(default=0.95, low=0, high=1)
    rounds: int = setting(default=2, low=1)
    surrogates: int = setting(default=3, low=1)
    references: int = setting(default=3, low=1)
    chunk: int = setting(default=256, low=1, stage="runtime")

    def needs(self) -> Needs:
        return Needs(self.surrogates, self.references)

    def verifiers(self, task: Task) -> Mapping[str, Verifier]:
        return {"label": AdversarialMatch()}

    def generate(self, owner: Owner, count: int, generator: torch.Generator) -> Prints:
        train = owner.data.train
        pool = draw(owner.task.eligible(owner.victim, train), len(train), generator)
        if len(pool) < count:
            raise InputError(f"count: the victim answers only {len(pool)} training images right, {count} wanted")
        made: list[_Candidates] = []
        tried = accepted = 0
        for _ in range(self.rounds):
            index = pool[tried : tried + count - accepted]
            if not len(index):
                break
            made.append(self._judge(owner, index, self._craft(owner, train.pixels(index), generator)))
            tried, accepted = tried + len(index), accepted + int(made[-1].accepted.sum())
        found = _Candidates(*(torch.cat(parts) for parts in zip(*(vars(m).values() for m in made), strict=True)))
        best = found.rank.argsort(descending=True, stable=True)[:count]
        answer, label, score = found.answer[best], train.targets[found.index[best]], found.score[best]
        notes = {
            "tried": tried,
            "accepted": accepted / tried,
            "conferrability": score.mean().item(),
            "label changed": (answer != label).double().mean().item(),
        }
        origin = train.pixels(found.index[best])
        return Prints(found.samples[best], origin, {"answer": answer, "label": label}, notes)

    def _craft(self, owner: Owner, x: Tensor, generator: torch.Generator) -> Tensor:
        """One candidate x' per source image (N, 3, H, W)."""
        keep_s = keep_models(len(owner.surrogates), self.dropout, self.steps, generator)
        keep_r = keep_models(len(owner.references), self.dropout, self.steps, generator)
        return torch.cat([self._descend(owner, part, keep_s, keep_r) for part in x.split(self.chunk)])

    def _descend(self, owner: Owner, x: Tensor, keep_s: Tensor, keep_r: Tensor) -> Tensor:
        """Adam on the loss; models that dropout left out of a step are not run in it."""
        with torch.no_grad():
            original = owner.victim(x).softmax(dim=1)
        low, high = (x - self.eps).clamp_min(0), (x + self.eps).clamp_max(1)
        point, descent = x, AdamDescent(self.learning_rate)
        for surrogates, references in zip(keep_s.tolist(), keep_r.tolist(), strict=True):
            point = point.detach().requires_grad_(True)
            surrogate = ensemble(_chosen(owner.surrogates, surrogates), point)
            reference = ensemble(_chosen(owner.references, references), point)
            loss = self.objective(original, owner.victim(point).softmax(dim=1), surrogate, reference)
            (gradient,) = torch.autograd.grad(loss.sum(), point)
            point = (point.detach() + descent.move(gradient)).clamp(low, high)
        return point

    def objective(self, original: Tensor, victim: Tensor, surrogate: Tensor, reference: Tensor) -> Tensor:
        """The loss per print (N,) out of M(x), M(x'), Surr(x'), Ref(x'), all probabilities (N, classes)."""
        me = surrogate * (1 - reference)
        if self.me_softmax:
            me = me.softmax(dim=1)
        if self.me_class == "other":
            me = me.scatter(1, original.argmax(dim=1, keepdim=True), 0)
        best = _at(me, victim.argmax(dim=1)) if self.me_class == "victim" else me.amax(dim=1)
        conferrable = -best.clamp(TINY, 1 - TINY).log()
        leaving = cross_entropy(original, victim).clamp_max(self.cap)
        return self.alpha * conferrable - self.beta * leaving + self.gamma * cross_entropy(victim, surrogate)

    @torch.no_grad()
    def _judge(self, owner: Owner, index: Tensor, samples: Tensor) -> _Candidates:
        """What the victim and all auxiliary models, without dropout, answer to the candidates."""
        answer = owner.victim(samples).argmax(dim=1)
        copies = [model(samples).softmax(dim=1) for model in owner.surrogates]
        others = [model(samples).softmax(dim=1) for model in owner.references]
        score = transfer(copies, answer) * (1 - transfer(others, answer))
        changed = answer != owner.data.train.targets[index]
        accepted = changed & (score >= self.accept)
        me = _at(torch.stack(copies).mean(dim=0) * (1 - torch.stack(others).mean(dim=0)), answer)
        return _Candidates(index, samples, answer, score, accepted, accepted.float() + changed.float() + me)


@dataclass(frozen=True)
class _Candidates:
    index: Tensor  # of the sources in the training split (N,)
    samples: Tensor
    answer: Tensor
    score: Tensor  # the conferrability
    accepted: Tensor
    rank: Tensor  # the larger the better


def ensemble(models: Sequence[Network], x: Tensor) -> Tensor:
    """Surr(x) or Ref(x): the mean of the models' probabilities (N, classes)."""
    return torch.stack([model(x).softmax(dim=1) for model in models]).mean(dim=0)


def keep_models(models: int, dropout: float, steps: int, generator: torch.Generator) -> Tensor:
    """Which models take part in which step (steps, models): each with 1 - dropout; an empty draw is drawn again."""
    keep = torch.rand(steps, models, generator=generator) >= dropout
    while (empty := ~keep.any(dim=1)).any():
        keep[empty] = torch.rand(int(empty.sum()), models, generator=generator) >= dropout
    return keep


def cross_entropy(target: Tensor, predicted: Tensor) -> Tensor:
    """H(p, q) = -sum_t p_t log q_t per row (N,), q not below 1e-7: at most 16.1 however wrong q is."""
    return -(target * predicted.clamp_min(TINY).log()).sum(dim=1)


def transfer(probabilities: Sequence[Tensor], label: Tensor) -> Tensor:
    """Transfer(., t) per print (N,): the share of models, each (N, classes), that answer t = `label` (N,)."""
    return torch.stack([p.argmax(dim=1) == label for p in probabilities]).double().mean(dim=0)


def _at(values: Tensor, label: Tensor) -> Tensor:
    return values.gather(1, label[:, None]).squeeze(1)


def _chosen(models: Sequence[Network], keep: Sequence[bool]) -> list[Network]:
    return [model for model, kept in zip(models, keep, strict=True) if kept]
