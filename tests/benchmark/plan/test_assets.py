"""Assets in a plan: one job for all repeats, before the prints; and what an ablation adds."""

from __future__ import annotations

from benchmark.contracts.owner import Asset, Needs
from benchmark.plan.assets import AssetJob
from benchmark.plan.models import ModelJob
from benchmark.plan.plan import plan
from benchmark.plan.prints import PrintsJob
from benchmark.plan.reading import read
from benchmark.plan.verdicts import MeasureJob
from benchmark.spec.component import setting
from fingerprints.random import Random
from tests.builder import configuration


class Generator(Asset, name="asset/zoo_generator"):
    """What a method trains once a victim, with a surrogate's help."""

    width: int = 3

    def needs(self):
        return Needs(surrogates=1)

    def prepare(self, given):
        raise AssertionError("a plan makes nothing")


class Judge(Asset, name="asset/zoo_judge"):
    """An asset that is made with another."""

    generator: Generator = Generator()

    def needs(self):
        return Needs(assets={"generator": self.generator})

    def prepare(self, given):
        raise AssertionError("a plan makes nothing")


class Trained(Random, name="fingerprint/zoo_trained"):
    """A method with an asset, and a setting that its prints alone depend on."""

    judge: Judge = Judge()
    strength: float = 0.5
    limit: float = setting(0.5, stage="score")

    def needs(self):
        return Needs(references=1, assets={"judge": self.judge})


TRAINED = {"_target_": "fingerprint/zoo_trained"}


def jobs_with(**settings):
    """The plan of two repeats of the method with its settings changed."""
    return plan(read(configuration(fingerprint={"trained": TRAINED | settings})))


def test_an_asset_is_one_job_for_all_repeats_and_comes_before_the_prints():
    planned = jobs_with()
    generator, judge = planned.of_kind(AssetJob)
    assert (type(generator.asset), type(judge.asset)) == (Generator, Judge)
    assert set(generator.parents) == {"victim", "surrogate 0"} and set(judge.parents) == {"victim", "asset generator"}
    first, second = planned.of_kind(PrintsJob)
    assert first.parents == second.parents and first.seed != second.seed
    assert set(first.parents) == {"victim", "reference 0", "asset judge"}
    order = [job.key for job in planned.jobs]
    assert order.index(generator.key) < order.index(judge.key) < order.index(first.key)


def test_a_setting_of_the_method_leaves_its_assets_and_one_of_an_asset_moves_the_prints():
    def keys(planned, kind):
        return {job.key for job in planned.of_kind(kind)}

    before, stronger = jobs_with(), jobs_with(strength=0.6)
    assert keys(stronger, AssetJob) == keys(before, AssetJob)
    assert not keys(stronger, PrintsJob) & keys(before, PrintsJob)
    wider = jobs_with(
        judge={"_target_": "asset/zoo_judge", "generator": {"_target_": "asset/zoo_generator", "width": 4}}
    )
    assert not keys(wider, AssetJob) & keys(before, AssetJob)
    assert not keys(wider, PrintsJob) & keys(before, PrintsJob)
    assert keys(wider, ModelJob) == keys(before, ModelJob)
    assert keys(jobs_with(limit=0.7), MeasureJob) == keys(before, MeasureJob)


def test_an_ablation_makes_what_its_values_need_through_the_first_channel():
    base = {"fingerprint": {"trained": TRAINED}, "channel": configuration()["channel"] | {"eight_bit": EIGHT_BIT}}
    settings = {"trained": {"strength": [0.1, 0.5], "limit": [0.2, 0.3]}}
    ablation = {"counts": [], "settings": settings, "repeats": 1}
    before, after = plan(read(configuration(**base))), plan(read(configuration(**base, ablation=ablation)))
    assert {job.key for job in before.jobs} < {job.key for job in after.jobs}
    added = [job for job in after.jobs if job.key not in {job.key for job in before.jobs}]
    suspects = [job for job in before.of_kind(ModelJob) if job.role == "suspect"]
    assert [job.kind for job in added] == ["prints"] + ["measurement"] * (2 + len(suspects))  # strength=0.1, repeat 0
    assert [job.channel_name for job in added[1:3]] == ["as_made", "eight_bit"]  # do they work on the victim itself?
    assert {job.suspect.role for job in added[1:3]} == {"victim"}
    assert {job.channel_name for job in added[3:]} == {"as_made"}
    points = [(point.setting, point.value, point.prints.repeat) for point in after.variants]
    shared = [("limit", value, repeat) for value in (0.2, 0.3) for repeat in (0, 1)]
    assert points == [("strength", 0.1, 0), ("strength", 0.5, 0), *shared]  # every value of one setting as often
    assert all(len(point.measured) == len(suspects) for point in after.variants)


EIGHT_BIT = {"_target_": "channel/eight_bit"}
