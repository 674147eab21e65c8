"""Chapter 10, frontiers: what a search finds and reports, what a text encoder can know, and what a cache may keep."""

import copy
from itertools import combinations, combinations_with_replacement
from math import isfinite
from statistics import fmean

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from jointopt.data.captions import TEXTS, same_meaning, tokenized
from jointopt.exercises.answers import Blank, Wrong, function, given, kind, number, tensor, updates
from jointopt.exercises.registry import exercise, prediction

prediction(
    "10.1",
    "The mean of all 64 architectures is 62 %, the best reach 85 %. How good is the best of four that are tried?",
    unit="points",
    close=2.5,
)
prediction("10.2", "What does a 3×3 convolution cost on 14×14 positions, and what on 3×3?", choices=("first", "last"))
prediction(
    "10.3",
    "There are 360 captions, each worded the same every time. No two pictures are the same.",
    choices=("eye", "reader"),
)
prediction(
    "10.4",
    "A backward pass costs about twice the forward pass. Which passes through the feature extractor are left?",
    unit="times",
    close=5,
)
prediction("10.5", "Part of the best number is luck. Does the luck come back?", choices=("rises", "falls", "stays"))


@exercise(
    "10.6",
    "Write down what pool-skip-conv3 computes, and skip-pool-conv3.",
    "A network is the sequence of its operations that are not skip. How many sequences of each length are there?",
)
def different_networks(answer):
    """How many networks the names of `cells` operations stand for, if cells are alike and one operation is skip."""
    count = function(answer, "cells", "operations")
    for cells, operations in ((3, 4), (2, 4), (4, 3), (3, 5)):
        names, others = operations**cells, operations - 1
        wanted = len({tuple(k for k in name if k) for name in np.ndindex(*[operations] * cells)})
        got = number(count(cells, operations))
        words = f"for {cells} cells and {operations} operations yours is {got:.6g}"
        if got == names:
            raise Wrong(f"{words}: these are the names, and some of them name the same network.")
        if got == others**cells:
            raise Wrong(f"{words}: these are the networks without any skip. Shorter ones count, too.")
        if got == len(list(combinations_with_replacement(range(operations), cells))):
            raise Wrong(f"{words}: the order of the operations counts, as long as they are not skip.")
        if got != wanted:
            raise Wrong(f"{words}. Write down all {names} names, cross out each skip, and count what differs.")
    return "Of the 64 names 24 would repeat another one: to find one of those twice would prove nothing."


@exercise(
    "10.7",
    "Sort the scores. In how many of the choices of n is the k-th lowest the best?",
    "The n − 1 others come from the k − 1 below it. math.comb counts the ways.",
)
def best_of_n(answer):
    """The mean, over all choices of n different scores, of the best of them."""
    best_of = function(answer, "scores", "n")
    for scores, n in (([62.0, 80.0, 75.0], 2), ([21, 85, 42, 82, 60, 71, 71], 3), ([5.0, 1.0], 1), ([7.0, 9.0], 2)):
        got, ordered, size = number(best_of(list(scores), n)), sorted(scores), len(scores)
        choices = [max(some) for some in combinations(scores, n)]
        words = f"for the best of {n} of {scores}, yours is {got:.5g}"
        again = sum(score * ((k + 1) ** n - k**n) for k, score in enumerate(ordered)) / size**n
        if abs(got - fmean(choices)) < 1e-6:
            continue
        if abs(got - again) < 1e-6:
            raise Wrong(f"{words}: there one architecture may be tried twice. A search tries n different ones.")
        if abs(got - fmean(ordered[-n:])) < 1e-6:
            raise Wrong(f"{words}: that is the mean of the {n} highest, and the search does not know which these are.")
        if abs(got - max(scores)) < 1e-6:
            raise Wrong(f"{words}: only a search that tries all of them is sure to find the highest.")
        raise Wrong(f"{words}; over all {len(choices)} choices the mean of the best is {fmean(choices):.5g}.")
    return "With the test scores of our 64 it is 62.0 % for one that is tried, 76.6 % for 4 and 82.2 % for 16."


@exercise(
    "10.8",
    "The two updates are W and A of this chapter. First W `wait` times, then W and A in turn.",
    "While the architecture moves, the weights wait: what does the chapter say of their normalization?",
)
def search_that_waits(answer):
    """`wait` updates of the weights, then `pairs` times the weights and the architecture in turn."""
    plan, weights = function(answer, "wait", "pairs"), {"feature_extractor", "classifier"}
    for wait, pairs in ((3, 2), (100, 20), (0, 3)):
        name, length = f"plan({wait}, {pairs})", wait + 2 * pairs
        try:
            taken = updates(plan(wait, pairs), length)
        except Wrong as wrong:
            raise Wrong(f"{name}: {wrong}") from None
        if len(taken) < length:
            raise Wrong(f"{name} ends after {len(taken)} updates; {wait} + 2·{pairs} are asked for.")
        for n, update in enumerate(taken):
            of_alpha = n >= wait and (n - wait) % 2
            who, moves = ("architecture", {"architecture"}) if of_alpha else ("weights", weights)
            if update.modules != moves:
                got = "every module" if update.modules is None else " and ".join(sorted(update.modules))
                raise Wrong(f"{name}: update {n}, counted from 0, moves {got}; it is the turn of the {who}.")
            if update.losses != ({"validation", "cost"} if of_alpha else {"task"}):
                got = "all losses" if update.losses is None else " and ".join(sorted(update.losses))
                raise Wrong(f"{name}: update {n}, counted from 0, is for the {who} and counts {got}: not its losses.")
            if of_alpha and update.hold_normalization:
                raise Wrong(
                    "while the architecture moves, the batch normalization of the weights is held: let it go on."
                )
    return "The architecture then meets convolutions that have learned."


@exercise(
    "10.9",
    "Which numbers had no part in the choice?",
    "`best` counts within the architectures that were tried, not within the 64.",
)
def what_is_reported(answer):
    """Of the architectures tried, the one that is best by validation: its mean accuracy in the test."""
    report = function(answer, "validation", "test", "tried")
    for seed in range(3):
        rng = np.random.RandomState(seed)
        skill, tried = rng.uniform(30, 75, (64, 1)), rng.permutation(64)[:16]
        validation, test = (skill + rng.normal(0, 8, (64, seeds)) for seeds in (2, 4))
        got = number(report(validation.copy(), test.copy(), tried.copy()))
        looked_at, scores = validation[tried].mean(1), test.mean(1)
        best = looked_at.argmax()
        promised, kept = looked_at[best], scores[tried[best]]
        if abs(got - kept) < 1e-6:
            continue
        if abs(got - promised) < 1e-6:
            raise Blank(
                f"it reports {got:.1f} %; from seeds that had no part in the choice, this one reaches {kept:.1f} %."
            )
        if abs(got - scores[best]) < 1e-6:
            raise Wrong(
                f"it reports architecture {best}. Chosen was number {best} of those tried, architecture {tried[best]}."
            )
        if abs(got - scores[tried].max()) < 1e-6:
            raise Wrong("now the test accuracies choose, and they are reported: the same mistake with the other table.")
        raise Wrong(
            f"it reports {got:.1f} %; the one that was chosen by validation has a mean of {kept:.1f} % in the test."
        )
    return f"In the last draw of this check that is {kept:.1f} %, where {promised:.1f} % chose it."


@exercise(
    "10.10",
    "Encode '3 left of 7' and '7 left of 3', and compare the two vectors.",
    "If a vector for the position is added to that of each word, what becomes of their sum?",
    "The text encoder of this chapter puts the vectors of the words in a row: flatten(1) in place of mean(1).",
)
def order_of_words(answer):
    """A text encoder, words (B, 4) → unit vectors (B, 64), that separates captions which mean different things."""
    encoder = answer if isinstance(answer, nn.Module) else function(answer)()
    if not isinstance(encoder, nn.Module):
        raise Wrong(f"an nn.Module is asked for, not {kind(encoder)}.")
    words = tokenized(TEXTS)
    raw = given(encoder.eval()(words))
    vectors = tensor(raw, len(TEXTS), 64)
    if not torch.allclose(vectors.norm(dim=1), torch.ones(len(TEXTS)), atol=1e-3):
        raise Wrong(f"the vectors have lengths from {vectors.norm(dim=1).min():.2g}: each is to have length 1.")
    if not torch.allclose(encoder(words[:1]), vectors[:1], atol=1e-4):
        raise Wrong("a caption on its own gets another vector than among others.")
    if not raw.requires_grad:
        raise Wrong("no gradient reaches the encoder: it could not learn.")
    alike = torch.cdist(vectors.double(), vectors.double()) < 1e-4
    of, other = TEXTS.index("3 left of 7"), TEXTS.index("7 left of 3")
    if alike[of, other]:
        shapes = sorted(tuple(p.shape) for p in encoder.parameters())
        if shapes == [(16, 32), (64,), (64, 32)]:
            raise Blank("'3 left of 7' and '7 left of 3' get the same vector: at most 50 % can be found, on average.")
        raise Wrong("'3 left of 7' and '7 left of 3' still get the same vector: the order is lost on the way.")
    if (alike & ~same_meaning()).any():
        of, other = (alike & ~same_meaning()).nonzero()[0].tolist()
        raise Wrong(f"'{TEXTS[of]}' and '{TEXTS[other]}' get the same vector, and mean different things.")
    return "Now captions that mean different things get different vectors, before any training."


@exercise(
    "10.11",
    "A score of −∞ has no part in a softmax. scores.masked_fill(where, value) returns a copy.",
    "`same` is True on the diagonal, too, where the right answers are: `same & ~torch.eye(len(same), dtype=bool)`.",
)
def wrong_negatives(answer):
    """CLIP's loss without the scores of pairs that are no match and yet say the same."""
    loss = function(answer, "scores", "same")
    for meanings in ((0, 1, 2, 1, 3), (0, 0, 0, 1), (0, 1, 2)):
        of = torch.tensor(meanings)
        same, size = of[:, None] == of, len(of)
        leaf = torch.randn(size, size, dtype=torch.float64, requires_grad=True)
        known = {what: _mean_loss(leaf, *how) for what, how in _ways(same).items()}
        wanted = _mean_loss(leaf, same & ~torch.eye(size, dtype=bool))
        (slope,) = torch.autograd.grad(wanted, leaf)
        raw = given(loss(leaf * 1, same.clone()))
        got = number(raw) if not isinstance(raw, Tensor) or isfinite(raw.sum()) else float("inf")
        if not isfinite(got):
            raise Wrong("it is infinite or nan: the scores of the right captions, on the diagonal, have to stay.")
        for what, value in known.items():
            if abs(got - value.item()) < 1e-6 < abs(wanted.item() - value.item()):
                raise Wrong(what)
        if abs(got - wanted.item()) > 1e-5:
            raise Wrong(f"for the meanings {meanings} it is {got:.4f}; without those pairs it is {wanted.item():.4f}.")
        if not isinstance(raw, Tensor) or not raw.requires_grad:
            raise Wrong("the value is right, but no gradient comes through it.")
        if not torch.allclose(torch.autograd.grad(raw, leaf)[0], slope, atol=1e-6):
            raise Wrong("the value is right, but its gradient is another.")
    return "A batch of 64 has 64·63/2/180 = 11.2 such pairs on average."


def _ways(same: Tensor) -> dict[str, tuple]:
    """What a loss may do in place of leaving them out: the sentence for it -> arguments of `_mean_loss`."""
    others = same & ~torch.eye(len(same), dtype=bool)
    return {
        "that is the loss of the chapter: pairs that say the same are still pushed apart.": (others & False,),
        "a score of 0 is a score like any other: it still has e⁰ = 1 in the softmax.": (others, 0.0),
        "captions that say the same are counted as right answers now; they were to be left out.": (
            others & False,
            0.0,
            same / same.sum(1, keepdim=True).double(),
        ),
    }


def _mean_loss(scores: Tensor, left_out: Tensor, fill: float = float("-inf"), targets: Tensor | None = None) -> Tensor:
    targets = torch.arange(len(scores)) if targets is None else targets
    scores = scores.masked_fill(left_out, fill)
    return (F.cross_entropy(scores, targets) + F.cross_entropy(scores.T, targets)) / 2


@exercise(
    "10.12",
    "How many forward passes through the feature extractor, counted in images, does each of the two take?",
    "n · size > images. And n is a whole number.",
)
def cache_pays(answer):
    """The least number of steps of `size` images at which a cache of all images costs less."""
    least = function(answer, "images", "size")
    for images, size in ((4000, 64), (200, 64), (128, 64), (10, 64)):
        got, wanted = number(least(images, size)), images // size + 1
        words = f"for {images} images in steps of {size} yours is {got:.6g}"
        if got != int(got):
            raise Wrong(f"{words}: steps are whole.")
        if got < wanted:
            less = "as many as" if got * size == images else "fewer than"
            raise Wrong(f"{words}. These steps compute {got * size:.0f} features: {less} the cache's {images}.")
        if got > wanted:
            raise Wrong(f"{words}; after {wanted} steps the cache costs less already.")
    return "So it pays as soon as training has seen more images than there are."


def _extractor() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.3), nn.Flatten())


@exercise(
    "10.13",
    "In which mode is the feature extractor when nobody has asked for one, and what does BatchNorm do in it?",
    "A copy of the feature extractor can be put into eval mode without a trace in the original: copy.deepcopy.",
)
def features_to_keep(answer):
    """The features of all images as the frozen module gives them; the module stays as it was."""
    features_of = function(answer, "feature_extractor", "images")
    images = torch.rand(150, 3, 8, 8) * 2
    for held in (False, True):  # is the normalization held in eval mode already?
        module = _extractor()
        module[1].train(not held)
        before, frozen = copy.deepcopy(module), copy.deepcopy(module).eval()
        raw = given(features_of(module, images.clone()))
        got, wanted = tensor(raw, 150, 144), frozen(images).detach()
        apart = (got - wanted).abs().mean().item()
        moved = (module[1].running_mean - before[1].running_mean).abs().max().item()
        words = f"the features differ from those of the frozen module by {apart:.2f} on average"
        if apart > 1e-4 and moved > 1e-4 and not raw.requires_grad and module.training:
            raise Blank(f"{words}, and its running mean has moved by {moved:.2f}.")
        if apart > 1e-4:
            raise Wrong(f"{words}: something in it still depends on the batch or on chance.")
        if moved > 1e-6:
            raise Wrong(f"the features are right, but the module's running mean has moved by {moved:.2f}.")
        if raw.requires_grad or raw.is_inference():
            graph = "keep the graph of all their passes" if raw.requires_grad else "cannot be used in training"
            raise Wrong(f"the features {graph}: compute them under torch.no_grad().")
        for was, now in zip(before.modules(), module.modules(), strict=True):
            if was.training != now.training:
                modes = [f"{'training' if each.training else 'eval'} mode" for each in (was, now)]
                raise Wrong(f"{type(now).__name__} was in {modes[0]} before, and is left in {modes[1]}.")
        if not all(p.requires_grad for p in module.parameters()):
            raise Wrong("the module's parameters do not require a gradient any more: it was to stay as it was.")
    return "Keep them only as long as the module stays frozen: a cache that outlives a thaw raises no error."
