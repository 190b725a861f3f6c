"""The command behind `whosenet run`: read, plan, run what is missing, report."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.cli.request import Request, request
from benchmark.errors import Damaged, InputError
from benchmark.paths import ROOT
from benchmark.plan.experiment import Experiment
from benchmark.plan.plan import Plan, plan
from benchmark.plan.reading import read
from benchmark.plan.verdicts import MeasureJob
from benchmark.run.executor import Executor, Failure, missing
from benchmark.run.progress import READING, doing
from benchmark.store.artefacts import Store

if TYPE_CHECKING:
    from benchmark.report.findings import Findings

ATTEMPTS = 3  # at what is missing, where stored artefacts turn out to be damaged


def run(config: dict[str, Any], overrides: Sequence[str] = (), *, swept: bool = False) -> int:
    """Runs a composed configuration and writes its results; returns the exit code, 1 if a job failed.

    Args:
        overrides: what the command line changed, for the manifest.
        swept: this is one run of a sweep: the overrides name its folder within the sweep's.

    Raises:
        InputError: something in the configuration or the store has to be mended by the user.
    """
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
    wanted, experiment = checked(config, overrides, swept=swept)
    with doing("planning"):
        jobs = plan(experiment)
    store = Store(wanted.store)
    if not wanted.compute and not any(store.has(job.key) for job in jobs.of_kind(MeasureJob)):
        raise InputError(f"compute: store {store.root} has nothing of {experiment.name} yet, run it without this")
    findings = _findings(jobs, store, wanted, config, overrides)
    if isinstance(findings, int):
        return findings
    with doing("writing the report"):
        _report(findings, wanted.results, swept=swept)
    _say(f"results: {wanted.results / 'index.html'}")
    return 1 if findings.manifest["failures"] else 0


def checked(
    config: Mapping[str, Any], overrides: Sequence[str] = (), *, swept: bool = False
) -> tuple[Request, Experiment]:
    """What a configuration asks for, looked through as far as it can be before any work; the arguments are `run`'s.

    Raises:
        InputError: names the key that is wrong and what would be right.
    """
    wanted = request(config, overrides, swept=swept)
    with doing("reading the experiment and its data", READING):
        experiment = read(config)
    from benchmark.report.publishing import check  # what is wrong so far is told before this one's pandas comes

    check(wanted.results)
    if wanted.compute:
        wanted.executor.check_here(experiment.trainer)
    return wanted, experiment


def _report(findings: Findings, folder: Path, *, swept: bool) -> None:
    from benchmark.report import write

    write(findings, folder, ROOT / "results" / "published")
    if swept:
        from benchmark.report.sweep import join

        join(folder.parent)


def _findings(
    jobs: Plan, store: Store, wanted: Request, config: dict[str, Any], overrides: Sequence[str]
) -> Findings | int:
    """What was found when all that could be made is made; the exit code where there is nothing to report yet."""
    damaged: set[str] = set()
    while True:
        failures = _make(jobs, store, wanted.executor) if wanted.compute else []
        if failures is None:
            return 0  # the report has to wait for what was queued
        if failures:  # the executor has named each that failed by itself
            _say(f"{len(failures)} jobs are not done; whosenet status {jobs.experiment.name} tells which, and why")
        if failures and not any(store.has(job.key) for job in jobs.of_kind(MeasureJob)):
            _say("no results: nothing could be judged")
            return 1

        from benchmark.collect.findings import collect

        try:
            with doing("collecting what was measured"):
                return collect(jobs, store, failures, config, overrides)
        except Damaged as error:
            store.recheck(error.key)
            if error.key in damaged or not wanted.compute:
                raise InputError(str(error)) from None
            damaged.add(error.key)  # to be made again before the next look


def _make(jobs: Plan, store: Store, executor: Executor) -> list[Failure] | None:
    """Makes what is missing, and once more what turned out to be damaged while it was read; None if it is queued."""
    for _ in range(ATTEMPTS):
        with doing("looking through the store"):
            todo = missing(jobs, store)
        _say(f"{jobs.experiment.name}: {len(jobs.jobs)} jobs, {len(todo)} to do, store {store.root}")
        failures = executor.run(todo, jobs, store) if todo else []
        if not failures:
            return failures
        failed = {failure.job.key for failure in failures}
        if all(job.key in failed for job in missing(jobs, store)):
            return failures  # nothing was moved aside
    return failures


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
