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
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from types import FrameType
from typing import TYPE_CHECKING

from benchmark.errors import Damaged, StoreError
from benchmark.store.disk import bytes_of

if TYPE_CHECKING:
    from benchmark.plan.job import Job
    from benchmark.run.bench import Bench

KEEP = 1.0  # GiB that a process keeps loaded unless told otherwise
LONGEST_NOTE = 2**20  # bytes of a failure's note that are looked at
GRACE = 5.0  # seconds for a job to take its draft away, when the run that it belongs to is over

_bench: Bench | None = None  # one a process: it keeps the models that were loaded last
_busy = False
_over = threading.Event()


@dataclass(frozen=True)
class Outcome:
    """What became of a job: seconds, and the error if it failed; `fatal` ends the whole run."""

    seconds: float
    error: str = ""
    fatal: bool = False


@dataclass(frozen=True)
class Gear:
    """What a process needs for any job.

    Attributes:
        root: the store.
        trainer: pickled, since its class imports torch.
        threads: of torch, for whoever asks before the trainer is there.
        keep: GiB of models and the like that it keeps loaded.
        heeds: whether SIGTERM ends it. Under Slurm it does not: what started it answers that.
    """

    root: Path
    trainer: bytes
    threads: int
    keep: float
    heeds: bool = True


def start(gear: Gear, gpu: str, line: Connection) -> None:
    """The life of a worker process: it does what comes along the line, and leaves when the other end is closed.

    Args:
        gpu: its CUDA_VISIBLE_DEVICES, "" to leave that as it is.
        line: pickled jobs come in, one None when all is ready and then an `Outcome` for each go out.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all on the terminal; who started us answers it
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)  # as it does Slurm's word that the time is nearly up
    signal.signal(signal.SIGTERM, _leave if gear.heeds else _leave_when_over)
    jobs: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_listen, args=(line, jobs), daemon=True).start()
    if gpu:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    os.environ["OMP_NUM_THREADS"] = str(gear.threads)
    prepare(gear)
    line.send(None)
    while True:
        line.send(do(pickle.loads(jobs.get())))


def prepare(gear: Gear) -> None:
    """Makes this process ready for jobs."""
    global _bench
    from benchmark.run.bench import Bench
    from benchmark.store.artefacts import Store

    trainer = pickle.loads(gear.trainer)
    trainer.configure_torch()
    _bench = Bench(Store(gear.root), trainer, gear.keep)


def do(job: Job) -> Outcome:
    """Does a job; why it failed goes to failures/KEY.txt in the store too, for whoever asks later."""
    global _busy
    assert _bench is not None
    begin = time.monotonic()
    _busy = True
    try:
        failure_note(_bench.store.root, job.key).unlink(missing_ok=True)
        _attempt(job, _bench)
    except StoreError as error:
        return Outcome(0, str(error), fatal=True)
    except Exception as error:
        line = f"{type(error).__name__}: {' '.join(str(error).split()) or 'no message'}"
        note_failure(_bench.store.root, job, line, traceback.format_exc())
        return Outcome(0, line)
    except _Over as over:
        os._exit(over.code)  # the draft is away; nobody waits for an answer any more
    finally:
        _busy = False
    return Outcome(time.monotonic() - begin)


def _attempt(job: Job, bench: Bench) -> None:
    """Does the job, once more if what it read was damaged and somebody has made that again meanwhile.

    Raises:
        Damaged: nobody has; it was moved aside, to be made again before the job is tried another time.
    """
    try:
        bench.do(job)
    except Damaged as error:
        if bench.store.recheck(error.key) is None:
            raise
        bench.do(job)


def failure_note(root: Path, key: str) -> Path:
    """Where the last failure of a job is told: the error in the first line, its traceback below if there is one."""
    return root / "failures" / f"{key}.txt"


def told_failure(root: Path, key: str) -> str:
    """The first line of that note, empty where there is none that can be read."""
    with suppress(OSError):
        return bytes_of(failure_note(root, key), LONGEST_NOTE).decode("utf-8", "replace").partition("\n")[0]
    return ""


def note_failure(root: Path, job: Job, line: str, trace: str = "") -> None:
    """Writes that note."""
    note = failure_note(root, job.key)
    note.parent.mkdir(exist_ok=True)
    note.unlink(missing_ok=True)  # a link would be followed
    note.write_text(f"{line}\n\n{job.title}\n{trace}", encoding="utf-8")


class _Over(SystemExit):
    """The run that this process belongs to is over."""

    code: int


def _leave(signum: int, frame: FrameType | None) -> None:
    if _busy:
        raise _Over(128 + signum)  # through the job, which takes its draft away
    os._exit(128 + signum)


def _leave_when_over(signum: int, frame: FrameType | None) -> None:
    if _over.is_set():
        _leave(signum, frame)


def _listen(line: Connection, jobs: SimpleQueue[bytes]) -> None:
    """Takes jobs in. Ends this process when the run is over or its starter gone, whatever the main thread is at."""
    try:
        while True:
            jobs.put(line.recv_bytes())
    except (EOFError, OSError):
        _over.set()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os._exit(1)
