"""The wall of a black box: nothing that a verifier holds leads to the network, and nothing outlives the box."""

from __future__ import annotations

import _thread
import functools
import gc
import time
import types
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import pytest
import torch
from torch import nn

from benchmark.access.access import LABEL, PROBABILITY, WHITE_BOX, grant
from benchmark.access.target import Target
from benchmark.errors import Inapplicable

SECONDS = 30  # until a thread that has to end is given up
STOPS = (types.ModuleType, type)
OF_FUNCTIONS = ("__closure__", "cell_contents", "__defaults__", "__kwdefaults__", "__wrapped__", "__self__", "__func__")
OF_ERRORS = ("__traceback__", "__cause__", "__context__", "tb_frame", "tb_next")
HIDING_PLACES = ("__dict__", *OF_FUNCTIONS, *OF_ERRORS, "func", "args", "keywords", "gi_frame")


def neighbours(thing: object) -> Iterator[object]:
    """What a program gets at from `thing` by attributes, contents, closures, frames, and what the collector knows.

    It stops short of what any program has: modules, classes, the globals of functions and the callers of frames.
    """
    slots = [name for cls in type(thing).__mro__ for name in _slots(cls)]
    found = [_attribute(thing, name) for name in (*HIDING_PLACES, *slots)]
    if isinstance(thing, types.FrameType):
        found.append(dict(thing.f_locals))
    else:  # a frame's referents are its callers and its globals too
        found += gc.get_referents(thing)
    if isinstance(thing, weakref.ref):
        found.append(thing())
    world = {id(_attribute(thing, name)) for name in ("__globals__", "__builtins__")}
    yield from (each for each in found if id(each) not in world and not isinstance(each, STOPS))


def _attribute(thing: object, name: str) -> Any:
    try:
        return getattr(thing, name, None)
    except ValueError:  # an empty cell's contents
        return None


def _slots(cls: type) -> tuple[str, ...]:
    slots = vars(cls).get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)


def reachable(thing: object) -> list[object]:
    """Everything that `neighbours` leads to, step by step."""
    found, waiting = {id(thing): thing}, [thing]
    while waiting:
        for each in neighbours(waiting.pop()):
            if id(each) not in found:
                found[id(each)] = each
                waiting.append(each)
    return list(found.values())


def leads_to_a_network(thing: object) -> bool:
    return any(isinstance(each, (nn.Module, nn.Parameter, Target)) for each in reachable(thing))


@pytest.fixture
def x(tasks, splits_of):
    return splits_of(tasks["classification"]).test.pixels(slice(4))


@pytest.fixture
def fresh(tasks, victim_of) -> Callable[[], Target]:
    """A target that nobody else holds."""
    task = tasks["classification"]
    return lambda: Target.of(task, victim_of(task))


def ask(box: Any, x: torch.Tensor) -> torch.Tensor:
    return box.labels(x) if hasattr(box, "labels") else box.answers(x)


@pytest.mark.parametrize("kind", [LABEL, PROBABILITY])
def test_no_way_leads_from_a_black_box_to_the_network(fresh, x, kind):
    box = grant(kind, fresh())
    for _ in range(2):  # before it was asked, and after
        assert not leads_to_a_network(box)
        for name in dir(box):
            if name not in ("__class__", "__init__", "__subclasshook__"):
                assert not leads_to_a_network(getattr(box, name)), name
        ask(box, x)
    assert not leads_to_a_network(ask(box, x))


def test_the_walk_finds_it_in_a_white_box(fresh):
    assert leads_to_a_network(grant(WHITE_BOX, fresh()))


class Slotted:
    """Keeps a thing where no __dict__ is."""

    __slots__ = ("kept",)

    def __init__(self, kept: object) -> None:
        self.kept = kept


def wrapped(target: Target) -> Callable[..., Any]:
    @functools.wraps(target.answers)
    def answers(x: torch.Tensor) -> None: ...

    return answers


def suspended(target: Target) -> Iterator[int]:
    def answers() -> Iterator[int]:
        held = target
        yield 1
        held.answers(torch.zeros(1, 3, 32, 32))

    started = answers()
    next(started)
    return started


def failed(target: Target) -> BaseException:
    """An error that came as it was raised, with the frames of the target's own code."""
    try:
        target.answers(torch.full((1, 3, 32, 32), 7.0))
    except ValueError as error:
        return error
    raise AssertionError("it did not fail")


LEAKS: dict[str, Callable[[Target], Any]] = {
    "closure": lambda target: lambda x: target.answers(x),  # a black box as it was before threads
    "default": lambda target: lambda x, of=target: of.answers(x),
    "keyword default": lambda target: lambda x, *, of=target: of.answers(x),
    "bound method": lambda target: target.answers,
    "partial": lambda target: functools.partial(print, 1, of=target),
    "nested partial": lambda target: functools.partial(functools.partial(print, target), 1),
    "wrapped": wrapped,
    "generator": suspended,
    "slots": Slotted,
    "list in a dict": lambda target: {"deep": [(target,)]},
    "weak reference": weakref.ref,
    "method of a built-in": lambda target: [target].index,
    "error": failed,
}


@pytest.mark.parametrize("leak", LEAKS)
def test_the_walk_finds_every_other_hiding_place(fresh, leak):
    target = fresh()
    assert leads_to_a_network(LEAKS[leak](target))


def error_of(box: Any, x: torch.Tensor) -> BaseException:
    """What asking raises; this frame, the last one of the traceback, holds no network."""
    try:
        ask(box, x)
    except Exception as error:
        return error
    raise AssertionError("it did not fail")


def chained(network: nn.Module) -> torch.Tensor:
    try:
        return network(None)
    except Exception as error:
        raise KeyError("no answer") from error


@pytest.mark.parametrize("kind", [LABEL, PROBABILITY])
@pytest.mark.parametrize("failure", ["pixels", "classes", "chained"])
def test_errors_come_without_the_frames_that_hold_the_network(fresh, x, kind, failure):
    target = fresh()
    if failure == "pixels":
        target, x = target, x + 2
    elif failure == "classes":
        target.network.last.out_features = 4
        target.network.last.weight = nn.Parameter(target.network.last.weight[:4].clone())
        target.network.last.bias = nn.Parameter(target.network.last.bias[:4].clone())
    else:
        target = Target(target.task, functools.partial(lambda network, x, pair: chained(network), target.network))
    error = error_of(grant(kind, target), x)
    assert isinstance(error, {"pixels": ValueError, "classes": Inapplicable, "chained": KeyError}[failure])
    assert error.__cause__ is None and error.__context__ is None
    assert not leads_to_a_network(error)


class Spy(torch.Tensor):
    """A query that notes in which threads its own code is run."""

    seen: ClassVar[set[int]] = set()

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        cls.seen.add(_thread.get_ident())
        return super().__torch_function__(func, types, args, kwargs or {})


@pytest.mark.parametrize("kind", [LABEL, PROBABILITY])
def test_a_query_brings_no_code_to_where_the_network_is(fresh, x, kind):
    query = x.as_subclass(Spy)
    _ = query + 1
    assert Spy.seen == {_thread.get_ident()}  # it does run code
    answer = ask(grant(kind, fresh()), query)
    assert type(answer) is torch.Tensor and Spy.seen == {_thread.get_ident()}


def test_threads_that_ask_at_once_get_their_own_answers(fresh, x):
    target = fresh()
    expected, box = target.answers(x), grant(PROBABILITY, target)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda i: box.answers(x[i % 4][None]), range(40)))
    for i, answer in enumerate(found):
        torch.testing.assert_close(answer[0], expected[i % 4])


def gone(*references: weakref.ref[Any]) -> bool:
    """Whether all the things are away, or go away in a while."""
    end = time.monotonic() + SECONDS
    while any(reference() is not None for reference in references):
        if time.monotonic() > end:
            return False
        gc.collect()
        time.sleep(0.01)
    return True


@pytest.mark.parametrize("kind", [LABEL, PROBABILITY])
@pytest.mark.parametrize("used", ["unasked", "asked", "after an error"])
def test_the_target_goes_with_the_box(fresh, x, kind, used):
    target = fresh()
    references = weakref.ref(target), weakref.ref(target.network)
    box = grant(kind, target)
    del target
    if used == "asked":
        answers = ask(box, x)
    elif used == "after an error":
        answers = error_of(box, x + 2)
    else:
        answers = None
    gc.collect()
    assert all(reference() is not None for reference in references)  # the thread holds them as long as the box is
    del box
    if used == "after an error":
        answers.__traceback__ = None  # its frames, this test's own, hold the box
    assert gone(*references)


def test_many_boxes_leave_no_thread_behind(fresh, x):
    target = fresh()
    before = threads()
    boxes = [grant(LABEL, target) for _ in range(20)]
    for box in boxes:
        box.labels(x)
    assert threads() >= before + 20
    del box, boxes
    end = time.monotonic() + SECONDS
    while threads() > before and time.monotonic() < end:
        gc.collect()
        time.sleep(0.01)
    assert threads() <= before


def threads() -> int:
    """How many of this process's threads run Python."""
    return _thread._count()
