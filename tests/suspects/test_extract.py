"""What every extraction may see of the victim, and Knockoff: whose pictures, how many queries, which targets."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from benchmark.contracts.truth import Relation
from benchmark.data.base import DataSource, ImageSet, Splits
from benchmark.data.digits import Digits
from benchmark.errors import InputError
from benchmark.networks.small import SmallVGG
from suspects.extract import Extraction, Oracle
from suspects.jbda import JBDA
from suspects.knockoff import Knockoff, alike
from suspects.synthesis import Synthesis

EXTRACTIONS = [
    Knockoff(query_set=Digits(), budget=20),
    JBDA(seeds=10, rounds=3),
    Synthesis(images=5, rounds=4, steps=2),
]


class Colours(DataSource, name="test/colours"):
    """Ten coloured pictures larger than the task's, with targets that are no labels of it."""

    def load(self) -> Splits:
        images = torch.randint(256, (10, 3, 48, 40), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
        part = ImageSet(images, torch.full((10,), 77))
        return Splits(part, part, part)


def test_the_oracle_hands_out_what_its_api_does_and_counts(tasks, ingredients_of):
    given = ingredients_of(tasks["classification"])
    images = given.data.test.images[:7]
    with torch.no_grad():
        logits = given.victim(images / 255.0)
    torch.testing.assert_close(Oracle(given, "probability")(images), logits.exp() / logits.exp().sum(1, keepdim=True))
    labels = Oracle(given, "label")(images)
    assert labels.dtype == torch.int64 and labels.tolist() == logits.argmax(1).tolist()
    assert given.meter.queries == 14


@pytest.mark.parametrize("recipe", EXTRACTIONS, ids=lambda recipe: type(recipe).__name__)
@pytest.mark.parametrize("answers", ["probability", "label"])
def test_queries_are_the_pictures_that_were_asked_about(tasks, ingredients_of, recorded, recipe, answers):
    given = ingredients_of(tasks["classification"], fit=recorded)
    asked = []
    given.victim.register_forward_hook(lambda module, inputs, output: asked.append(len(inputs[0])))
    dataclasses.replace(recipe, answers=answers).derive(given)
    assert given.meter.queries == sum(asked) == {"Knockoff": 20, "JBDA": 40, "Synthesis": 20}[type(recipe).__name__]
    for call in recorded.calls:
        assert call.loss == given.task.loss and call.data.images.dtype == torch.uint8
        assert call.data.targets.shape == ((len(call.data),) if answers == "label" else (len(call.data), 10))


@pytest.mark.parametrize("recipe", EXTRACTIONS, ids=lambda recipe: type(recipe).__name__)
def test_the_substitute_begins_with_nothing_of_the_victim(tasks, ingredients_of, recorded, same, recipe):
    given = ingredients_of(tasks["classification"], seed=31, fit=recorded)
    recipe.derive(given)
    with torch.random.fork_rng():
        torch.manual_seed(31)
        fresh = given.task.network()
    assert same(recorded.calls[0].network, fresh)
    assert recipe.relation is Relation.DERIVED and recipe.shares_training_data is False


@pytest.mark.parametrize("recipe", EXTRACTIONS, ids=lambda recipe: type(recipe).__name__)
def test_no_extraction_looks_at_the_training_images(tasks, ingredients_of, recorded, same, recipe):
    """Only their shape is known, as an API tells it; other pixels make no difference."""

    def run(darker):
        given = ingredients_of(tasks["classification"], fit=recorded)
        train = ImageSet(given.data.train.images // darker, given.data.train.targets.flip(0))
        recipe.derive(dataclasses.replace(given, data=dataclasses.replace(given.data, train=train)))
        return recorded.calls[-1].data

    one, other = run(1), run(3)
    assert torch.equal(one.images, other.images) and torch.equal(one.targets, other.targets)


def test_knockoff_asks_about_pictures_of_the_query_set_in_the_tasks_format(tasks, ingredients_of, recorded):
    given = ingredients_of(tasks["classification"], fit=recorded)
    Knockoff(query_set=Colours(), budget=6, epochs=9).derive(given)
    (call,) = recorded.calls
    pool = alike(Colours().load().train.images, given.data.train.images)
    assert call.data.images.shape == (6, 3, 32, 32) and call.training.epochs == 9
    places = [[torch.equal(image, other) for other in pool].index(True) for image in call.data.images]
    assert len(set(places)) == 6 and places != sorted(places)  # random, none twice
    with torch.no_grad():
        torch.testing.assert_close(call.data.targets, given.victim(call.data.images / 255.0).softmax(1))


def test_pictures_are_brought_to_the_size_and_to_grey_only_where_the_task_is_grey():
    pictures = Colours().load().train.images
    grey, coloured = torch.zeros(2, 3, 12, 10, dtype=torch.uint8), torch.zeros(2, 3, 12, 10, dtype=torch.uint8)
    coloured[1, 0, 3, 3] = 5
    assert alike(pictures, coloured).shape == (10, 3, 12, 10)
    made = alike(pictures, grey)
    assert torch.equal(made[:, 0], made[:, 1]) and torch.equal(made[:, 0], made[:, 2])
    assert not torch.equal(alike(pictures, coloured)[:, 0], alike(pictures, coloured)[:, 1])
    plain = torch.full((1, 3, 48, 40), 90, dtype=torch.uint8)
    assert alike(plain, grey).unique().tolist() == [90]
    mean = pictures.float().mean(dim=1).round()
    assert torch.equal(alike(pictures, grey.new_zeros(1, 3, 48, 40))[:, 2].float(), mean)


def test_a_budget_beyond_the_query_set_is_refused():
    with pytest.raises(InputError, match="budget: 1198 queries are more than the 1197 pictures of query_set"):
        Knockoff(query_set=Digits(), budget=1198).check_data()
    Knockoff(query_set=Digits(), budget=1197).check_data()


def test_which_tasks_can_be_extracted(tasks):
    for recipe in (Knockoff(), JBDA()):
        assert not recipe.inapplicable(tasks["classification"]) and not recipe.inapplicable(tasks["regression"])
        assert "two images" in recipe.inapplicable(tasks["similarity"])
    assert "no labels" in Knockoff(answers="label").inapplicable(tasks["regression"])
    assert "no classes" in Synthesis().inapplicable(tasks["regression"])
    assert not Synthesis(answers="label").inapplicable(tasks["classification"])


@pytest.mark.parametrize("recipe", [Knockoff(query_set=Digits(), budget=600, epochs=5), JBDA(seeds=40, rounds=3)])
def test_values_are_extracted_as_they_are(tasks, ingredients_of, recipe):
    """The loss to the victim's own answers falls, so that they, and no labels, are what is learnt."""
    given = ingredients_of(tasks["regression"])
    x = given.data.test.pixels()
    network = recipe.derive(given)
    with torch.no_grad():
        wanted = given.victim(x)
        before = (recipe.substitute(given).eval()(x) - wanted).abs().mean()
        assert (network(x) - wanted).abs().mean() < 0.8 * before


def test_the_substitute_may_be_of_another_architecture(tasks, ingredients_of):
    task = tasks["classification"]
    recipe = Knockoff(query_set=Digits(), budget=40, epochs=1, architecture=SmallVGG(widths=(4, 4, 4), hidden=4))
    network = recipe.derive(ingredients_of(task))
    assert [p.shape for p in network.parameters()] == [p.shape for p in recipe.solves(task).network().parameters()]
    assert Extraction.solves(Knockoff(), task) is task


def test_knockoff_with_the_tasks_own_kind_of_picture_agrees_with_the_victim(tasks, ingredients_of):
    given = ingredients_of(tasks["classification"])
    network = Knockoff(query_set=Digits(), budget=800, epochs=4).derive(given)
    with torch.no_grad():
        x = given.data.test.pixels()
        assert (network(x).argmax(1) == given.victim(x).argmax(1)).float().mean() > 0.6
