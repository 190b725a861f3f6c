"""What a verifier may touch of a target: labels, answers, or the network itself; every query is counted here.

The harness builds access (`grant`), out of a closed set; a verifier only names the kind that it wants. Behind a black
box the target lives on the stack of another thread, with two queues in between, so that no attribute, closure or
default argument of what a verifier holds leads to the network. It is a wall against mistakes and against peeking, not
against a program that searches its own process's memory.
"""

from __future__ import annotations

import _thread
import weakref
from queue import SimpleQueue
from threading import Lock
from typing import Any

import torch
from torch import Tensor

from benchmark.access.channels import AsMade, Channel
from benchmark.access.target import Target
from benchmark.errors import Inapplicable
from benchmark.networks.network import Network
from benchmark.tasks.base import Task

LABEL, PROBABILITY, WHITE_BOX = "label", "probability", "white box"
KINDS = (LABEL, PROBABILITY, WHITE_BOX)
NO_CHANNEL = "a white box is looked into, not asked through a channel"


class Access:
    """Counts the images that a target was asked about (`queries`)."""

    def __init__(self) -> None:
        self.queries = 0


class _BlackBox(Access):
    """Asks through two queues, whose other ends are held by the thread that has the target; one question at a time."""

    def __init__(self, requests: SimpleQueue[Any], replies: SimpleQueue[Any]) -> None:
        super().__init__()
        self._requests, self._replies, self._turn = requests, replies, Lock()

    def _ask(self, x: Tensor, pair: Tensor | None) -> Tensor:
        x, pair = _plain(x), None if pair is None else _plain(pair)
        with self._turn:
            self._requests.put((x, pair))
            try:
                answer, error = self._replies.get()
            except BaseException:
                self._replies.get()  # Ctrl-C: the thread must have left torch before the interpreter goes
                raise
        if error is not None:
            try:
                raise error
            finally:
                del error  # with its traceback it would hold this frame, and so the thread
        self.queries += len(x)
        return answer


def _plain(x: Tensor) -> Tensor:
    """The tensor without whatever a subclass of its own would do where the target is at hand."""
    return x.detach().as_subclass(Tensor)


class AnswerAPI(_BlackBox):
    """A prediction API: probabilities, a value, or the cosine of two images."""

    def answers(self, x: Tensor, pair: Tensor | None = None) -> Tensor:
        """The answers to images x (N, 3, H, W) in [0, 1], one query each, as `Task.answer` shapes them.

        Raises:
            ValueError: a pixel lies outside [0, 1], which no API would take.
            Inapplicable: the target's answers are of another kind than the task's, such as other classes.
        """
        return self._ask(x, pair)


class LabelAPI(_BlackBox):
    """A prediction API that returns the most likely class and nothing else."""

    def labels(self, x: Tensor) -> Tensor:
        """The labels (N,) of images x (N, 3, H, W) in [0, 1], one query each; raises what `AnswerAPI.answers` does."""
        return self._ask(x, None)


class WhiteBox(Access):
    """The network itself; a verifier says with `inspect` how many images it runs through it."""

    def __init__(self, task: Task, network: Network) -> None:
        super().__init__()
        self.task, self._network = task, network

    def inspect(self, count: int, *, inner_only: bool = False) -> Network:
        """The network, to run `count` images through.

        Args:
            count: of images.
            inner_only: the caller looks at inner layers alone, so that the network may answer whatever it likes.

        Raises:
            Inapplicable: its outputs are others than the task's, such as other classes.
        """
        if not inner_only and (reason := self.task.mismatch(self._network.last.out_features)):
            raise Inapplicable(reason)
        self.queries += count
        return self._network


def grant(kind: str, target: Target, channel: Channel | None = None) -> Any:
    """Access of one of KINDS to a target: a `LabelAPI`, an `AnswerAPI` or a `WhiteBox`.

    Args:
        channel: what stands between queries and a black box; None for nothing.

    Raises:
        Inapplicable: nobody has the target's network, or the channel does not concern a white box.
        ValueError: there is no such kind.
    """
    channel = channel or AsMade()
    if kind == WHITE_BOX:
        if target.network is None:
            raise Inapplicable("only an API is at hand, no network to look into")
        if not channel.of_prints:
            raise Inapplicable(NO_CHANNEL)
        return WhiteBox(target.task, target.network)
    if kind not in KINDS:
        raise ValueError(f"access: {kind!r} is none of {', '.join(KINDS)}")
    requests: SimpleQueue[Any] = SimpleQueue()
    replies: SimpleQueue[Any] = SimpleQueue()
    box = LabelAPI(requests, replies) if kind == LABEL else AnswerAPI(requests, replies)
    _thread.start_new_thread(_serve, (target, channel, kind, requests, replies))
    weakref.finalize(box, requests.put, None).atexit = False
    return box


def _serve(target: Target, channel: Channel, kind: str, requests: SimpleQueue[Any], replies: SimpleQueue[Any]) -> None:
    """Answers until the box is gone (None). An error goes back without its traceback, whose frames hold the target."""
    while (request := requests.get()) is not None:
        x, pair = request
        try:
            with torch.no_grad():
                pair = None if pair is None else channel.query(pair)
                answer = channel.answer(target.answers(channel.query(x), pair))
                replies.put((answer.argmax(dim=1) if kind == LABEL else answer, None))
        except BaseException as error:
            error.__context__ = error.__cause__ = None
            replies.put((None, error.with_traceback(None)))
        del request, x, pair
