"""The whole graph of jobs queued at once on Slurm, through submitit: arrays of tasks that wait for one another."""

from __future__ import annotations

import shlex
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.errors import InputError
from benchmark.paths import ROOT
from benchmark.plan.job import Job
from benchmark.plan.plan import Plan
from benchmark.run.executor import Executor, Failure
from benchmark.run.progress import Progress
from benchmark.run.slurm.memory import more_memory
from benchmark.run.slurm.packs import Pack, Tasks, dependency, packs
from benchmark.run.slurm.queue import Call, Queue, ask, largest_array, states
from benchmark.run.slurm.task import Work
from benchmark.run.standing import DONE, causes, standings
from benchmark.spec.component import setting
from benchmark.store.artefacts import Store

if TYPE_CHECKING:
    from submitit import SlurmExecutor

    from benchmark.training.trainer import Trainer

QUIET = 30.0  # seconds without a job done until something is said; the next time after three times as long


class Slurm(Executor, name="executor/slurm"):
    """Tasks of Slurm. Independent models start at once; a failed task cancels only what cannot do without it.

    Run again, only what is missing and not on its way is queued; two experiments on one store share what is.

    Attributes:
        time: minutes that a task may take. Before they are over it queues itself again and goes on from there.
        memory: GiB of a task.
        most_memory: GiB up to which a task that was killed for want of memory is queued again, with twice as much.
        cpus: of a task; None for as many as the trainer has threads.
        gpus: of a task, 0 or 1: no job uses more than one.
        models_per_task: models, prints and other long jobs of a task, one after another; raise it for small networks.
        jobs_per_task: measurements and other short jobs of a task.
        parallel: tasks of one array that may run at the same time.
        requeues: how often a task may queue itself again.
        grace: seconds before the end of its time at which a task queues itself again.
        setup: shell lines before each task, such as "module load cuda".
        wait: false: leave when all is queued. `whosenet status` tells how it goes.
        poll: seconds between looks at the queue.
    """

    partition: str | None = setting(default=None, stage="runtime")
    account: str | None = setting(default=None, stage="runtime")
    qos: str | None = setting(default=None, stage="runtime")
    constraint: str | None = setting(default=None, stage="runtime")
    time: int = setting(default=240, low=1, stage="runtime")
    memory: float = setting(default=8.0, above=0, stage="runtime")
    most_memory: float = setting(default=64.0, above=0, stage="runtime")
    cpus: int | None = setting(default=None, low=1, stage="runtime")
    gpus: int = setting(default=0, low=0, high=1, stage="runtime")
    models_per_task: int = setting(default=1, low=1, stage="runtime")
    jobs_per_task: int = setting(default=50, low=1, stage="runtime")
    parallel: int = setting(default=256, low=1, stage="runtime")
    requeues: int = setting(default=10, low=0, stage="runtime")
    grace: int = setting(default=90, low=1, stage="runtime")
    setup: tuple[str, ...] = setting(default=(), stage="runtime")
    wait: bool = setting(default=True, stage="runtime")
    poll: float = setting(default=5.0, above=0, stage="runtime")

    def check_here(self, trainer: Trainer) -> None:
        states()  # asks squeue, and the others of its commands are where this one is

    def run(self, jobs: Sequence[Job], plan: Plan, store: Store) -> list[Failure] | None:
        queue, final = Queue(store.root), list[Failure]()
        while True:
            self._queue_up(jobs, plan, store, queue)
            if not self.wait:
                return None
            try:
                failures = self._watch(jobs, plan, store, queue)
            except KeyboardInterrupt:
                _say(f"the tasks go on without this command; scancel --name={_name(plan)} stops them")
                raise
            failed = [failure.job for failure in failures]
            jobs = _with_descendants(more_memory(failed, store.root, queue, self.most_memory), failed)
            again = {job.key for job in jobs}
            final += [failure for failure in failures if failure.job.key not in again]
            if not jobs:
                return final

    def _queue_up(self, jobs: Sequence[Job], plan: Plan, store: Store, queue: Queue) -> None:
        with queue.lock():
            queue.tidy(lambda key: store.find(key) is not None)
            if halves := queue.take_back():
                _say(f"took back {halves} calls of sbatch that a killed command had not finished")
            alive = states()
            under_way = {task: keys for task, keys in queue.queued().items() if task in alive}
            taken = frozenset().union(*under_way.values())
            new = [job for job in jobs if job.key not in taken]
            wanted = more_memory(new, store.root, queue, self.most_memory)
            made = _Submission(self, plan, store, queue, under_way, wanted).submit(new) if new else {}
        for memory in sorted(set(wanted.values())):
            _say(f"with {memory:g} GiB now, killed for want of memory before: {_titles(new, wanted, memory)}")
        _say(
            f"queued {len(new)} jobs in {len(made)} tasks, {len(jobs) - len(new)} jobs are on their way already; "
            f"status: whosenet status {plan.experiment.name}, stop: scancel --name={_name(plan)}"
        )

    def _watch(self, jobs: Sequence[Job], plan: Plan, store: Store, queue: Queue) -> list[Failure]:
        """Waits until every job is done or nothing that could do it is left in the queue."""
        waiting = {job.key: job for job in jobs}
        told, pause = time.monotonic(), QUIET
        with Progress(jobs) as progress:
            while waiting:
                alive = states()
                if time.monotonic() - told > pause:
                    progress.say(f"Slurm's tasks: {_counted(alive)}; {len(waiting)} jobs are waited for")
                    told, pause = time.monotonic(), 3 * pause
                for key in [key for key in waiting if store.has(key)]:
                    found = store.find(key)
                    if found is not None:
                        progress.done(waiting.pop(key), found.seconds)
                        told, pause = time.monotonic(), QUIET
                if not any(keys & waiting.keys() for task, keys in queue.queued().items() if task in alive):
                    break
                time.sleep(self.poll)
            stand = [each for each in standings(plan.jobs, store, queue) if each.job.key in waiting]
            left = [each for each in stand if each.state != DONE]
            for line in causes(left):
                progress.say(line)
            for each in left:
                progress.done(each.job, None)
        return [Failure(each.job, each.note or each.state) for each in left]

    def submitit(self, name: str, folder: Path) -> SlurmExecutor:
        """submitit's executor with these settings; what it has tasks run checks the folder before it unpickles."""
        import submitit

        python = f"{shlex.quote(sys.executable)} -u -m benchmark.run.slurm.entry"
        executor = submitit.SlurmExecutor(folder, max_num_timeout=1_000_000, python=python)  # Work counts requeues
        settings: dict[str, Any] = {
            "partition": self.partition,
            "account": self.account,
            "qos": self.qos,
            "constraint": self.constraint,
            "time": self.time,
            "gpus_per_node": self.gpus or None,
            "array_parallelism": self.parallel,
            "signal_delay_s": self.grace,
            "setup": list(self.setup) or None,
        }
        executor.update_parameters(
            job_name=name, ntasks_per_node=1, **{key: value for key, value in settings.items() if value is not None}
        )
        return executor


class _Submission:
    """One call of sbatch after another: arrays of packs that wait for the same."""

    def __init__(
        self,
        slurm: Slurm,
        plan: Plan,
        store: Store,
        queue: Queue,
        under_way: dict[str, frozenset[str]],
        wanted: Mapping[str, float] | None = None,
    ) -> None:
        self._slurm, self._plan, self._store, self._queue = slurm, plan, store, queue
        self._tasks, self._arrays = Tasks(under_way), dict[str, int]()
        self._made: dict[str, frozenset[str]] = {}
        self._calls: list[str] = []
        self._size, self._wanted = largest_array(), wanted or {}

    def submit(self, jobs: Sequence[Job]) -> dict[str, frozenset[str]]:
        """Queues the jobs; returns the keys of each task. If Slurm refuses one array, what was queued is taken back.

        Raises:
            InputError: Slurm's reason in one line.
        """
        try:
            for wave in packs(jobs, self._slurm.models_per_task, self._slurm.jobs_per_task):
                alike: dict[tuple[frozenset[str], frozenset[str], float], list[Pack]] = defaultdict(list)
                for pack in wave:
                    memory = max(self._wanted.get(key, self._slurm.memory) for key in pack.keys)
                    alike[*self._tasks.before(pack), memory].append(pack)
                for (vital, others, memory), members in alike.items():
                    after = dependency(vital, others, self._arrays)
                    for i in range(0, len(members), self._size):
                        self._array(members[i : i + self._size], after, memory)
        except Exception as error:
            self._take_back()
            reason = " ".join(str(error).split())
            raise InputError(f"executor: Slurm did not take the jobs, nothing is queued: {reason}") from error
        return self._made

    def _array(self, members: Sequence[Pack], after: str, memory: float) -> None:
        slurm, queue = self._slurm, self._queue
        call = Call(self._plan.experiment.name, [sorted(pack.keys) for pack in members], memory)
        comment = queue.begin(call)
        self._calls.append(comment)
        executor = slurm.submitit(_name(self._plan), queue.tasks)
        extra: dict[str, Any] = {"chdir": str(ROOT)}
        if after:
            executor.update_parameters(dependency=after)
            extra["kill-on-invalid-dep"] = "yes"
        gear = slurm.gear(self._plan, self._store, heeds=False)
        cpus = slurm.cpus or gear.threads
        executor.update_parameters(
            additional_parameters=extra,
            comment=comment,
            mem=f"{round(memory * 1024)}M",
            cpus_per_task=cpus,
            srun_args=[f"--cpus-per-task={cpus}"],  # srun no longer takes it from sbatch
        )
        with executor.batch():
            submitted = [executor.submit(Work(gear, pack.jobs, slurm.patience(), slurm.requeues)) for pack in members]
        made = {task.job_id: pack.keys for task, pack in zip(submitted, members, strict=True)}
        array = submitted[0].job_id.partition("_")[0]
        queue.complete(comment, replace(call, array=array))
        self._made |= made
        self._tasks.add(made)
        if len(made) > 1:
            self._arrays[array] = len(made)

    def _take_back(self) -> None:
        if self._made:
            ask("scancel", *{task.split("_")[0] for task in self._made})
        for comment in self._calls:
            self._queue.forget(comment)


def _counted(alive: Mapping[str, str]) -> str:
    counts = Counter(alive.values())
    return ", ".join(f"{number} {state.lower()}" for state, number in counts.items()) or "none left"


def _with_descendants(keys: Collection[str], jobs: Sequence[Job]) -> list[Job]:
    """The jobs with these keys and those that are made from them, parents first as they come."""
    chosen, found = set(keys), []
    for job in jobs:
        if job.key in chosen or chosen.intersection(job.parents.values()):
            chosen.add(job.key)
            found.append(job)
    return found


def _titles(jobs: Sequence[Job], wanted: Mapping[str, float], memory: float) -> str:
    titles = [job.title for job in jobs if wanted.get(job.key) == memory]
    return "; ".join(titles[:3]) + (f" and {len(titles) - 3} more" if len(titles) > 3 else "")


def _name(plan: Plan) -> str:
    return f"whosenet-{plan.experiment.name}"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
