"""Judging saliency prints: Eq. 5 and 6 against loops, covering, thresholds, and what belongs to the score only."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from captum.attr import LayerGradCam
from torch.nn import functional as F

from benchmark.access.access import PROBABILITY, WHITE_BOX, grant
from benchmark.access.target import Target
from benchmark.contracts.prints import Prints
from benchmark.crafting.gradcam import covered
from benchmark.spec.component import settings_of
from fingerprints.saliency import Saliency


@pytest.fixture
def judged(task, owner_of, disturbed, generator):
    """Prints of a tiny victim, and a suspect that is not quite the victim."""
    owner = owner_of(task)
    prints = Saliency(optimiser="sign", steps=15, lam=0.1, step=0.02).generate(owner, 8, generator(0))
    return prints, disturbed(owner.victim, 0.05)


@pytest.mark.parametrize("norm", ["max", "l2", "minmax"])
def test_white_box_is_eq_5(task, judged, norm):
    prints, suspect = judged
    scorer = task.scorer(suspect, prints.payload)
    cam = LayerGradCam(lambda image: scorer(suspect(image)), suspect.body)
    maps = cam.attribute(prints.samples, relu_attributions=False)[:, 0].detach()
    heights = []
    for s in maps:
        if norm == "minmax":
            s = s - s.min()
        s = s.clamp_min(0)
        size = s.norm() if norm == "l2" else s.max()
        heights.append((s[0, 0] / size).item() if size > 0 else 0.0)
    verifier = Saliency(saliency_norm=norm, t_wb=0.3).verifiers(task)["white"]
    access = grant(WHITE_BOX, Target.of(task, suspect))
    measured = verifier.measure(prints, access)
    assert measured.tolist() == pytest.approx(heights, abs=1e-4)
    assert access.queries == len(prints.samples)
    assert verifier.score(measured, prints.payload) == sum(h >= 0.3 for h in heights) / len(heights)


def answer_alone(task, network, image, prints, i):
    """F(x) of one image, by hand."""
    output = network(image[None])[0]
    if task.kind == "classification":
        return output.softmax(0)[prints.payload["label"][i]].item()
    if task.kind == "regression":
        return output.item()
    return F.cosine_similarity(output, network(prints.payload["pair"][i][None])[0], dim=0).item()


def corner_by_hand(cells, pixels):
    """Rows and columns of a picture that lie under the map's cells where P, 7x7 with its first cell set, is 1."""
    found = []
    for size, side in zip(pixels, cells, strict=True):
        lit = [cell for cell in range(side) if cell * 7 // side == 0]
        found.append(sum(pixel * side // size in lit for pixel in range(size)))
    return found


def test_black_box_is_eq_6(task, judged):
    prints, suspect = judged
    falls = []
    for i, image in enumerate(prints.samples):
        covered = image.clone()
        rows, columns = corner_by_hand(suspect.maps(image[None]).shape[2:], image.shape[1:])
        covered[:, :rows, :columns] = 0
        falls.append(answer_alone(task, suspect, image, prints, i) - answer_alone(task, suspect, covered, prints, i))
    threshold = sorted(abs(f) for f in falls)[4] * 0.999
    verifier = Saliency(t_bb=threshold).verifiers(task)["black"]
    access = grant(PROBABILITY, Target.of(task, suspect))
    measured = verifier.measure(prints, access)
    assert measured.tolist() == pytest.approx(falls, abs=1e-5)
    assert access.queries == 2 * len(prints.samples)
    assert verifier.score(measured, prints.payload) == 4 / 8


FALLS = torch.tensor([0.2, -0.2, 0.05, 0.049, 0.0])


@pytest.mark.parametrize(("drop", "matched"), [("abs", 3 / 5), ("signed", 2 / 5)])
def test_drop_decides_whether_a_rise_counts(tasks, drop, matched):
    assert Saliency(drop=drop).verifiers(tasks["classification"])["black"].score(FALLS, {}) == matched


def test_t_bb_is_the_task_s_drop_unless_given(tasks):
    task = dataclasses.replace(tasks["classification"], drop=0.2)
    assert Saliency().verifiers(task)["black"].score(FALLS, {}) == 2 / 5
    assert Saliency(t_bb=0.01).verifiers(task)["black"].score(FALLS, {}) == 4 / 5


def test_fixed_and_automatic_thresholds(tasks):
    payload = {"auto_t_wb": torch.tensor(0.8), "auto_t_bb": torch.tensor(0.1)}
    heights, task = torch.tensor([0.5, 0.49, 0.8, 1.0]), tasks["classification"]
    for thresholds, white, black in (("fixed", 3 / 4, 3 / 5), ("auto", 2 / 4, 2 / 5)):
        verifiers = Saliency(thresholds=thresholds).verifiers(task)
        assert verifiers["white"].score(heights, payload) == white
        assert verifiers["black"].score(FALLS, payload) == black


def test_automatic_thresholds_come_from_the_victim(task, owner_of, generator):
    owner = owner_of(task)
    method = Saliency(optimiser="sign", steps=10, step=0.02, lam=1.0, fill="zero_normalised")  # digits lie on black
    prints = method.generate(owner, 9, generator(0))
    originals = Prints(prints.origin, None, prints.payload)
    verifiers = method.verifiers(task)
    target = Target.of(task, owner.victim)
    heights = [verifiers["white"].measure(p, grant(WHITE_BOX, target)).tolist() for p in (originals, prints)]
    assert prints.payload["auto_t_wb"].item() == pytest.approx(sum(heights[0] + heights[1]) / 18, abs=1e-6)
    falls = sorted(verifiers["black"].measure(originals, grant(PROBABILITY, target)).abs().tolist())
    expected = falls[7] + 0.6 * (falls[8] - falls[7])  # the 0.95 quantile of nine values lies at place 7.6
    assert prints.payload["auto_t_bb"].item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("setting", [{"drop": "signed"}, {"thresholds": "auto"}, {"t_wb": 0.3}, {"t_bb": 0.2}])
def test_thresholds_belong_to_the_score_only(setting):
    plain, changed = Saliency(), Saliency(**setting)
    assert settings_of(plain, "measure") == settings_of(changed, "measure")
    assert settings_of(plain, "score") != settings_of(changed, "score")


@pytest.mark.parametrize(
    ("cells", "pixels", "expected"),
    [
        ((4, 4), (32, 32), (8, 8)),  # one cell of 4 x 4: the digits
        ((7, 7), (56, 56), (8, 8)),  # the paper's proportions
        ((7, 7), (32, 32), (5, 5)),
        ((8, 8), (32, 32), (8, 8)),  # two cells of eight lie nearest to the first of seven
        ((2, 4), (32, 64), (16, 16)),
    ],
)
def test_what_is_covered_lies_under_the_map_s_own_cells(cells, pixels, expected):
    assert covered(7, cells, pixels) == expected == tuple(corner_by_hand(cells, pixels))


def test_prints_carry_the_corner_of_their_victim_s_map(task, judged, owner_of):
    prints, _ = judged
    cells = owner_of(task).victim.maps(prints.samples[:1]).shape[2:]
    found = [int(prints.payload[side]) for side in ("rows", "columns")]
    assert found == corner_by_hand(cells, prints.samples.shape[2:])


@pytest.mark.parametrize("side", [14, 32, 56])
def test_cover_fills_the_corner_and_nothing_else(side, generator):
    x = torch.rand(2, 3, side, side, generator=generator(0))
    lit = -(-side // 7)
    corner = {"rows": torch.tensor(lit), "columns": torch.tensor(lit)}
    grey, mean = torch.full((2, 3, 1, 1), 0.5), x.mean(dim=(2, 3), keepdim=True)
    radius = side // 14
    blurred = torch.empty(2, 3, lit, lit)
    for i in range(lit):
        for j in range(lit):
            patch = x[:, :, max(0, i - radius) : i + radius + 1, max(0, j - radius) : j + radius + 1]
            blurred[:, :, i, j] = patch.mean(dim=(2, 3))
    for fill, expected in {"black": 0 * grey, "zero_normalised": grey, "mean": mean, "blur": blurred}.items():
        found = Saliency(fill=fill).cover(x, corner)
        torch.testing.assert_close(found[:, :, :lit, :lit], expected.expand(2, 3, lit, lit))
        outside = torch.ones(side, side, dtype=torch.bool)
        outside[:lit, :lit] = False
        assert torch.equal(found[..., outside], x[..., outside])


def test_nothing_matches_no_threshold_not_even_one_of_zero(tasks):
    method, nothing = Saliency(thresholds="auto"), {"auto_t_wb": torch.tensor(0.0), "auto_t_bb": torch.tensor(0.0)}
    for verifier in method.verifiers(tasks["classification"]).values():
        assert verifier.matches(torch.tensor([0.0, 0.25]), nothing).tolist() == [False, True]
