"""Untargeted adversarial examples of a classifier: FGSM, PGD and Carlini and Wagner's L2 attack, batched over images.

Everywhere `network` answers images (N, ...) in [0, 1] with logits (N, classes), and is asked as it is: hand it in eval
mode, or a batch norm will mix the images. Its weights collect no gradient. `x` are the images, `y` (N,) the labels to
leave, and every image is attacked as if it were alone; `chunk` is how many go through the network at once.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmark.crafting.descent import AdamDescent

INSIDE = 0.999999  # [-1, 1] is shrunk by this before atanh, which would be infinite at black and white
HOPELESS = 1e9  # an upper bound of c above this means that no c has succeeded yet


def fgsm(
    network: nn.Module,
    x: Tensor,
    y: Tensor,
    eps: float,
    generator: torch.Generator,
    start: bool = True,
    project: bool = True,
    chunk: int = 512,
) -> Tensor:
    """One step of eps along the sign of the gradient of the cross entropy (Goodfellow et al., ICLR 2015).

    With `start` the gradient is taken at uniform noise around x, +-eps a pixel, and the step is made from there; with
    `project` the result is brought back to |x' - x| <= eps, without it the two may add up to 2 eps.
    """
    return pgd(network, x, y, eps, eps, 1, generator, project, start, chunk)


def pgd(
    network: nn.Module,
    x: Tensor,
    y: Tensor,
    eps: float,
    step: float,
    iterations: int,
    generator: torch.Generator,
    project: bool = True,
    start: bool = True,
    chunk: int = 512,
) -> Tensor:
    """x' = clip(x' + step sign(gradient of the cross entropy)), `iterations` times (Madry et al., ICLR 2018).

    Args:
        eps: bound of |x' - x| in every pixel, and of the uniform noise that the walk starts from.
        step: of each iteration, in pixels.
        generator: on the CPU; drawn from only with `start`.
        project: bring each iterate back to |x' - x| <= eps. Without it eps bounds the start alone.
        start: begin at the noise, not at x.
    """
    found = x
    if start:
        noise = torch.rand(x.shape, generator=generator, dtype=x.dtype) * 2 - 1
        found = (x + eps * noise.to(x.device)).clamp(0, 1)
    for _ in range(iterations):
        parts = zip(found.split(chunk), y.split(chunk), strict=True)
        found = found + step * torch.cat([_ascent(network, *part) for part in parts]).sign()
        if project:
            found = x + (found - x).clamp(-eps, eps)
        found = found.clamp(0, 1)
    return found


def carlini_wagner(
    network: nn.Module,
    x: Tensor,
    y: Tensor,
    confidence: float = 0.0,
    learning_rate: float = 0.01,
    steps: int = 1000,
    searches: int = 5,
    c: float = 0.01,
    abort_early: bool = True,
    chunk: int = 512,
) -> Tensor:
    """min ||x' - x||_2^2 + c max(Z_y(x') - max_{j != y} Z_j(x') + kappa, 0), Z logits (Carlini and Wagner, S&P 2017).

    x' = (tanh(w) + 1) / 2 is a picture whatever w, which Adam moves. c is searched per image: ten times as large until
    an attack succeeds, then by bisection. Of all successes the nearest to x is returned, and x where there is none.

    Args:
        confidence: kappa, by how much another logit has to exceed that of y.
        learning_rate: of Adam, on w.
        steps: of Adam for each c.
        searches: how many values of c are tried.
        c: the first of them.
        abort_early: an image whose loss has not fallen by 0.01 % in a tenth of the steps rests until the next c.
    """
    found = [x[:0]]
    for part, label in zip(x.split(chunk), y.split(chunk), strict=True):
        found.append(_bisect(network, part, label, confidence, learning_rate, steps, searches, c, abort_early))
    return torch.cat(found)


def _bisect(
    network: nn.Module,
    x: Tensor,
    y: Tensor,
    confidence: float,
    learning_rate: float,
    steps: int,
    searches: int,
    c: float,
    abort_early: bool,
) -> Tensor:
    """The search for c, of all images at once."""
    low, high, weight = x.new_zeros(len(x)), x.new_full((len(x),), 10 * HOPELESS), x.new_full((len(x),), c)
    best, nearest = x.clone(), x.new_full((len(x),), torch.inf)
    for _ in range(searches):
        found, distance = _search(network, x, y, weight, confidence, learning_rate, steps, abort_early)
        won = distance < torch.inf
        closer = distance < nearest
        best[closer], nearest[closer] = found[closer], distance[closer]
        high, low = torch.where(won, weight.minimum(high), high), torch.where(won, low, weight.maximum(low))
        weight = torch.where(high < HOPELESS, (low + high) / 2, weight * 10)
    return best


def _search(
    network: nn.Module,
    x: Tensor,
    y: Tensor,
    weight: Tensor,
    confidence: float,
    learning_rate: float,
    steps: int,
    abort_early: bool,
) -> tuple[Tensor, Tensor]:
    """For one c an image (N,): the nearest success (N, ...) and its squared distance (N,), infinite where none is."""
    best, nearest = x.clone(), x.new_full((len(x),), torch.inf)
    active = torch.arange(len(x), device=x.device)
    w = torch.atanh((2 * x - 1) * INSIDE)
    origin, before = (w.tanh() + 1) / 2, x.new_full((len(x),), torch.inf)
    descent, pause = AdamDescent(learning_rate), -(-steps // 10)
    for step in range(steps):
        with torch.enable_grad():
            w = w.detach().requires_grad_(True)
            image = (w.tanh() + 1) / 2
            logits = network(image)
            margin = label_margin(logits, y[active])
            distance = (image - origin[active]).flatten(1).square().sum(dim=1)
            loss = distance + weight[active] * F.relu(margin + confidence)
            (gradient,) = torch.autograd.grad(loss.sum(), w)
        image, distance, loss, w = image.detach(), distance.detach(), loss.detach(), w.detach()
        won = (margin.detach() + confidence <= 0) & (logits.argmax(dim=1) != y[active]) & (distance < nearest[active])
        best[active[won]], nearest[active[won]] = image[won], distance[won]
        w = w + descent.move(gradient)
        if abort_early and step % pause == 0:
            going = loss <= 0.9999 * before[active]
            before[active] = loss
            active, w = active[going], w[going]
            descent.keep(going)
            if not len(active):
                break
    return best, nearest


def label_margin(logits: Tensor, y: Tensor) -> Tensor:
    """Z_y - max_{j != y} Z_j per image (N,) of logits (N, classes): below 0 where the label is no longer y."""
    own = logits.gather(1, y[:, None])
    return (own - logits.scatter(1, y[:, None], -torch.inf).amax(dim=1, keepdim=True)).squeeze(1)


def _ascent(network: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """The gradient of each image's own cross entropy, the shape of x."""
    with torch.enable_grad():
        point = x.detach().requires_grad_(True)
        loss = F.cross_entropy(network(point), y, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, point)
    return gradient
