"""The command behind `whosenet run`: read, plan, run what is missing, report."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from benchmark.errors import Damaged, InputError
from benchmark.paths import ROOT
from benchmark.plan.plan import Plan, plan
from benchmark.plan.reading import read
from benchmark.plan.verdicts import MeasureJob
from benchmark.run.executor import Executor, Failure, missing
from benchmark.spec.build import built
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
    executor = built(config["executor"], "executor", "executor")
    experiment = read(config)
    jobs = plan(experiment)
    store = Store(ROOT / config["store"])
    folder = ROOT / config["results"] / experiment.name
    if swept:
        from benchmark.report.sweep import folder_name

        folder = folder.with_name(f"{experiment.name}.sweep") / folder_name(overrides)
    if not config["compute"] and not any(store.has(job.key) for job in jobs.of_kind(MeasureJob)):
        raise InputError(f"compute: store {store.root} has nothing of {experiment.name} yet, run it without this")
    findings = _findings(jobs, store, executor, config, overrides)
    if isinstance(findings, int):
        return findings
    from benchmark.report import write

    write(findings, folder, ROOT / "results" / "published")
    if swept:
        from benchmark.report.sweep import join

        join(folder.parent)
    _say(f"results: {folder / 'index.html'}")
    return 1 if findings.manifest["failures"] else 0


def _findings(
    jobs: Plan, store: Store, executor: Executor, config: dict[str, Any], overrides: Sequence[str]
) -> Findings | int:
    """What was found when all that could be made is made; the exit code where there is nothing to report yet."""
    damaged: set[str] = set()
    while True:
        failures = _make(jobs, store, executor) if config["compute"] else []
        if failures is None:
            return 0  # the report has to wait for what was queued
        for failure in failures:
            _say(f"failed: {failure.job.title}: {failure.error}")
        if failures and not any(store.has(job.key) for job in jobs.of_kind(MeasureJob)):
            _say("no results: nothing could be judged")
            return 1

        from benchmark.collect.findings import collect

        try:
            return collect(jobs, store, failures, config, overrides)
        except Damaged as error:
            store.recheck(error.key)
            if error.key in damaged or not config["compute"]:
                raise InputError(str(error)) from None
            damaged.add(error.key)  # to be made again before the next look


def _make(jobs: Plan, store: Store, executor: Executor) -> list[Failure] | None:
    """Makes what is missing, and once more what turned out to be damaged while it was read; None if it is queued."""
    for _ in range(ATTEMPTS):
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
