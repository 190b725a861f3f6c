"""What copies are worth, out of the store: how far each suspect answers as a victim does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmark.collect.scores import Qualities
from benchmark.plan.plan import Plan
from benchmark.plan.worth import WorthJob
from benchmark.store.artefacts import Store
from benchmark.store.reasons import reason_of


def worth(plan: Plan, store: Store) -> Iterator[dict[str, Any]]:
    """One row per task, victim and suspect whose answers can be compared."""
    qualities = Qualities(store)
    for job in plan.of_kind(WorthJob):
        found, record = store.find(job.key), qualities.record(job.suspect)
        if found is None or record is None or reason_of(found):
            continue
        likeness = found.json("worth.json")
        yield {
            "task": job.task_name,
            "victim": job.victim.replicate,
            "suspect": job.suspect.recipe.label,
            "family": job.suspect.recipe.family,
            "positive": plan.experiment.is_positive(job.suspect.recipe.suspect),
            "agreement": likeness["agreement"],
            "kl": likeness["divergence"],
            "balanced_accuracy": likeness["balanced"],
            "skill": record["skill"],
            "quality": record["value"],
            "queries": record["queries"],
        }
