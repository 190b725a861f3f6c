"""A process that does jobs: made ready once, then handed one job after another.

Nothing heavy is imported before `prepare` has chosen the processor: torch looks for GPUs and threads when it comes.
"""

from __future__ import annotations

import os
import pickle
import signal
import threading
import time
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.queues import Queue
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from benchmark.errors import Damaged, StoreError

if TYPE_CHECKING:
    from benchmark.plan.job import Job
    from benchmark.run.bench import Bench
    from benchmark.store.artefacts import Store
    from benchmark.training.trainer import Trainer

GRACE = 5.0  # seconds for a job to take its draft away, when the run that it belongs to is over

_bench: Bench | None = None  # one a process: it keeps the models that were loaded last
_busy = False


@dataclass(frozen=True)
class Outcome:
    """What became of a job: seconds, and the error if it failed; `fatal` ends the whole run."""

    seconds: float
    error: str = ""
    fatal: bool = False


def start(root: Path, trainer: bytes, threads: int, gpus: Queue[str], alive: Connection) -> None:
    """The beginning of a worker process: it takes a GPU if there is one left, and leaves when `alive` is closed.

    Args:
        trainer: pickled, since its class imports torch.
        gpus: the CUDA_VISIBLE_DEVICES of each worker, "" for none of its own.
        alive: its other end is open as long as the run goes on.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all on the terminal; who started us answers it
    signal.signal(signal.SIGTERM, _leave)
    threading.Thread(target=_leave_with, args=(alive,), daemon=True).start()
    gpu = gpus.get()
    if gpu:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    os.environ["OMP_NUM_THREADS"] = str(threads)
    prepare(root, pickle.loads(trainer), threads)


def prepare(root: Path, trainer: Trainer, threads: int) -> None:
    """Makes this process ready for jobs."""
    global _bench
    from benchmark.run.bench import Bench
    from benchmark.store.artefacts import Store

    trainer.configure_torch(threads)
    _bench = Bench(Store(root), trainer)


def do(job: Job) -> Outcome:
    """Does a job; why it failed goes to failures/KEY.txt in the store too, for whoever asks later."""
    global _busy
    assert _bench is not None
    note = failure_note(_bench.store.root, job.key)
    start = time.monotonic()
    _busy = True
    try:
        _bench.do(job)
        note.unlink(missing_ok=True)
    except StoreError as error:
        return Outcome(0, str(error), fatal=True)
    except Damaged as error:
        return _set_aside(_bench.store, error)
    except Exception as error:
        line = f"{type(error).__name__}: {' '.join(str(error).split()) or 'no message'}"
        note.parent.mkdir(exist_ok=True)
        note.write_text(f"{line}\n\n{job.title}\n{traceback.format_exc()}", encoding="utf-8")
        return Outcome(0, line)
    except _Over as over:
        os._exit(over.code)  # the draft is away; nobody waits for an answer any more
    finally:
        _busy = False
    return Outcome(time.monotonic() - start)


def _set_aside(store: Store, error: Damaged) -> Outcome:
    """Moves what is damaged aside, to be made again before the job that read it is tried once more."""
    try:
        store.recheck(error.key)
    except StoreError as closed:
        return Outcome(0, str(closed), fatal=True)
    return Outcome(0, str(error))


def failure_note(root: Path, key: str) -> Path:
    """Where the last failure of a job is told: the error in the first line, its traceback below."""
    return root / "failures" / f"{key}.txt"


class _Over(SystemExit):
    """The run that this process belongs to is over."""

    code: int


def _leave(signum: int, frame: FrameType | None) -> None:
    if _busy:
        raise _Over(128 + signum)  # through the job, which takes its draft away
    os._exit(128 + signum)


def _leave_with(alive: Connection) -> None:
    """Ends this process when the run is over or its starter is gone, whatever the main thread is at."""
    alive.poll(None)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os._exit(1)
