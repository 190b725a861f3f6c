"""The command behind `python -m benchmark`: read, plan, run what is missing, report."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from typing import Any

from benchmark.errors import InputError
from benchmark.paths import ROOT
from benchmark.plan.experiment import read
from benchmark.plan.plan import plan
from benchmark.plan.verdicts import MeasureJob
from benchmark.run.executor import missing
from benchmark.spec.build import built
from benchmark.store.artefacts import Store


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
    todo = missing(jobs, store)
    if not config["compute"]:
        done = {job.key for job in jobs.of_kind(MeasureJob)} - {job.key for job in todo}
        if not done:
            raise InputError(f"compute: store {store.root} has nothing of {experiment.name} yet, run it without this")
        todo = []
    folder = ROOT / config["results"] / experiment.name
    if swept:
        from benchmark.report.sweep import folder_name

        folder = folder.with_name(f"{experiment.name}.sweep") / folder_name(overrides)
    _say(f"{experiment.name}: {len(jobs.jobs)} jobs, {len(todo)} to do, store {store.root}")
    failures = executor.run(todo, jobs, store) if todo else []
    if failures is None:
        return 0  # the report has to wait for what was queued
    for failure in failures:
        _say(f"failed: {failure.job.title}: {failure.error}")
    if failures and not any(store.has(job.key) for job in jobs.of_kind(MeasureJob)):
        _say("no results: nothing could be judged")
        return 1

    from benchmark.collect.findings import collect
    from benchmark.report import write

    findings = collect(jobs, store, failures, config, overrides)
    write(findings, folder, ROOT / "results" / "published")
    if swept:
        from benchmark.report.sweep import join

        join(folder.parent)
    _say(f"results: {folder / 'index.html'}")
    return 1 if findings.manifest["failures"] else 0


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
