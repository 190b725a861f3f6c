"""Prints that work on the victim itself: an owner would not go to court with others."""

from __future__ import annotations

import dataclasses
from contextlib import suppress

import torch
from torch import Tensor

from benchmark.access.access import grant
from benchmark.access.channels import AsMade, Channel, EightBit
from benchmark.access.target import Target
from benchmark.contracts.fingerprint import Fingerprint, Matcher
from benchmark.contracts.owner import Owner
from benchmark.contracts.prints import Prints
from benchmark.errors import Inapplicable
from benchmark.spec.component import defaults
from benchmark.tasks.base import Payload

FORMATS = AsMade(), EightBit()  # prints are kept and sent as pictures, so they have to work as such too


def proven(fingerprint: Fingerprint, owner: Owner, count: int, generator: torch.Generator, rounds: int) -> Prints:
    """`count` prints, of which those are replaced that the method's own verifiers do not find on the victim.

    A print works if the victim matches it as made and as an 8-bit picture. Those that fail for some verifier are made
    anew, `rounds` times at most; a new one takes the place of an old one that works for fewer verifiers. What still
    fails stays, and is left out when scores are made. Verifiers that judge all prints together have nothing to replace.

    Settings of the score are at their defaults here, so that prints do not hang on them.
    """
    prints = fingerprint.generate(owner, count, generator)
    usual = dataclasses.replace(fingerprint, **defaults(type(fingerprint), "score"))
    works, replaced = _working(usual, owner, prints), 0
    if not works.numel():
        return prints
    for _ in range(rounds):
        failing = torch.nonzero(~works.all(dim=1)).squeeze(1)
        if not len(failing):
            break
        fresh = fingerprint.generate(owner, len(failing), generator)
        found = _working(usual, owner, fresh)
        better = found.sum(dim=1) > works[failing].sum(dim=1)
        places = failing[better]
        prints = _placed(prints, fresh, places, better)
        works[places] = found[better]
        replaced += len(places)
    notes = {**prints.notes, "replaced": replaced, "works": works.all(dim=1).double().mean().item()}
    return dataclasses.replace(prints, notes=notes)


def _working(fingerprint: Fingerprint, owner: Owner, prints: Prints) -> Tensor:
    """Which prints work for which verifier (N, verifiers), of those that judge each print by itself."""
    columns = []
    for verifier in fingerprint.verifiers(owner.task).values():
        if isinstance(verifier, Matcher):
            with suppress(Inapplicable):  # it cannot judge such a network at all, whatever the prints
                columns.append(torch.stack([_matched(verifier, owner, prints, channel) for channel in FORMATS]))
    if not columns:
        return torch.empty(len(prints.samples), 0, dtype=torch.bool)
    return torch.stack([found.all(dim=0) for found in columns], dim=1)


def _matched(verifier: Matcher, owner: Owner, prints: Prints, channel: Channel) -> Tensor:
    """Which prints (N,) the victim matches through a channel."""
    access = grant(verifier.access, Target.of(owner.task, owner.victim), channel)
    seen = dataclasses.replace(prints, samples=channel.query(prints.samples))
    return verifier.matches(verifier.measure(seen, access), prints.payload)


def _placed(prints: Prints, fresh: Prints, places: Tensor, chosen: Tensor) -> Prints:
    """The prints with the `chosen` ones of the fresh at `places`; single numbers of the payload stay."""

    def put(old: Tensor, new: Tensor) -> Tensor:
        return old.index_copy(0, places.to(old.device), new[chosen.to(new.device)])

    payload: Payload = {
        name: put(value, fresh.payload[name]) if value.ndim else value for name, value in prints.payload.items()
    }
    origin = None if prints.origin is None or fresh.origin is None else put(prints.origin, fresh.origin)
    return Prints(put(prints.samples, fresh.samples), origin, payload, prints.notes)
