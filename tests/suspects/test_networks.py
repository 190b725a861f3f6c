"""Every recipe that edits weights on every make of network: it works and comes back from the store, or says why not."""

from __future__ import annotations

import copy

import pytest
import torch

from benchmark.contracts.suspect import Ingredients
from benchmark.data.base import ImageSet, Splits
from benchmark.data.digits import Digits
from benchmark.errors import Inapplicable
from benchmark.networks.network import load
from benchmark.tasks.base import Training
from benchmark.tasks.classification import Classification
from suspects.disguise import HalfPrecision, Quantise, WeightNoise
from suspects.distill import Distill
from suspects.fineprune import FinePruning
from suspects.finetune import FineTune, Retrain
from suspects.permute import FeaturePermutation
from suspects.prune import FilterPruning, WeightPruning
from suspects.shift import WeightShifting
from suspects.transfer import Transfer
from tests.architectures import CONVOLUTIONAL, TINY

RECIPES = {
    "weight_pruning": WeightPruning(ratio=0.5),
    "inner": FilterPruning(ratio=0.3),
    "coupled": FilterPruning(ratio=0.3, residual="coupled"),
    "permutation": FeaturePermutation(),
    "noise": WeightNoise(rho=0.2),
    "int8": Quantise(),
    "float16": HalfPrecision(),
    "shift": WeightShifting(epochs=1),
    "fine_pruning": FinePruning(epochs=1),
    "last": FineTune(epochs=1, layers="last"),
    "all": FineTune(epochs=1),
    "retrain": Retrain(epochs=1),
    "transfer": Transfer(epochs=1),
    "distill": Distill(epochs=1),
}
REFUSED = {
    **dict.fromkeys([("vit", "inner"), ("vit", "coupled"), ("vit", "shift")], r"1 of its body's 9 layers"),
    **dict.fromkeys([("swin", "inner"), ("swin", "coupled"), ("swin", "shift")], "no convolutional network"),
    ("vit", "permutation"): r"in body\.cls_token \(VisionTransformer\)",
    ("swin", "permutation"): r"in body\.patch_embed\.norm\.weight \(LayerNorm\)",
    **dict.fromkeys(
        [("convnext", "inner"), ("convnext", "coupled"), ("convnext", "permutation")],
        r"in body\.stem\.1\.weight \(LayerNorm2d\)",
    ),
    ("mlp", "shift"): "no convolutions",
}


@pytest.fixture(scope="module", params=TINY)
def make(request):
    """An architecture by name, a task of it, the least data, and a network that has seen some."""
    generator = torch.Generator().manual_seed(3)
    images = torch.randint(256, (32, 3, 32, 32), generator=generator, dtype=torch.uint8)
    part = ImageSet(images, torch.arange(32) % 10)
    task = Classification(data=Digits(), architecture=TINY[request.param], training=Training(epochs=1, batch=16))
    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = task.network()
        network.train()(part.pixels())
    return request.param, task, Splits(part, part, part), network.eval().requires_grad_(False)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_works_and_comes_back_or_says_why_not(make, trainer, name):
    kind, task, data, victim = make
    recipe, given = RECIPES[name], Ingredients(task, data, copy.deepcopy(victim), 5, trainer.fit)
    if (kind, name) in REFUSED:
        with pytest.raises(Inapplicable, match=REFUSED[kind, name]) as caught:
            recipe.derive(given)
        assert len(str(caught.value).split()) > 3
        state, before = given.victim.state_dict(), victim.state_dict()
        assert all(torch.equal(tensor, before[key]) for key, tensor in state.items())  # nothing was cut or moved
        return
    network, x = recipe.derive(given), data.test.pixels(slice(0, 4))
    again = load(recipe.solves(task).network(), network.state_dict()).eval()
    assert torch.equal(again(x), network(x)) and network(x).isfinite().all()
    assert not network.training and not any(p.requires_grad for p in network.parameters())
    state, before = network.state_dict(), victim.state_dict()
    assert any(state[key].shape != before[key].shape or not torch.equal(state[key], before[key]) for key in state)


def test_every_recipe_works_on_the_convolutional_networks_of_the_house():
    assert not {kind for kind, _ in REFUSED} & set(CONVOLUTIONAL)
