"""Chapter 7, segmentation: metrics under imbalance, a Dice loss, turns of several steps, and learned weights."""

from itertools import islice

import torch
from torch import Tensor, nn

from jointopt.exercises.answers import Blank, Wrong, function, given, number, tensor, updates
from jointopt.exercises.registry import exercise, prediction
from jointopt.system import seeded

BACKGROUND, DICE = "the background is among your classes", "that is Dice: its denominator counts the overlap twice"

prediction("7.1", "A digit is 20 to 36 pixels long, its strokes are a few pixels wide.", unit="%", close=2)
prediction(
    "7.2",
    "A cell of the coarsest features covers 8×8 pixels, and has 64 channels to say what lies where in it.",
    unit="points",
    close=3,
)
prediction(
    "7.3",
    "The boxes' loss is some pixels, the cross-entropy about a tenth of a nat.",
    "A searched λ stands still for the whole run. What do learned weights do as the losses fall?",
    choices=("alone", "equal", "searched", "learned"),
)


@exercise(
    "7.4",
    "The mean is over all classes, and the background is one of them.",
    "The foreground's classes together have classes · foreground.",
)
def mean_with_the_background(answer):
    """A function of (foreground, background, classes): the mean IoU over the background and all classes."""
    mean = function(answer, "foreground", "background", "classes")
    for foreground, background, classes in ((53.0, 98.0, 1), (0.0, 95.7, 3), (5.0, 98.0, 10)):
        got, wanted = number(mean(foreground, background, classes)), torch.full((1 + classes,), foreground).double()
        wanted[0] = background
        if abs(got - wanted.mean().item()) > 1e-6 * background:
            what = (
                f"for {classes} class{'es' * (classes > 1)} with {foreground:g} % and a background of {background:g} %"
            )
            if abs(got - (foreground + background) / 2) < 1e-6:
                raise Wrong(f"{what} yours is {got:.1f} %: the background is not half of the mean there.")
            if abs(got * classes - wanted.sum().item()) < 1e-6:
                raise Wrong(f"{what} yours is {got:.1f} %: you divide by the number of classes without the background.")
            raise Wrong(f"{what} yours is {got:.1f} %. Write the {1 + classes} numbers down, and take their mean.")
    return "The background is half of the mean with one class, and an eleventh with ten."


@exercise(
    "7.5",
    "Which layers read a sum today? They would read twice as many channels.",
    "A convolution of 3×3 has 9 · channels in · channels out weights.",
)
def decoder_that_concatenates(answer):
    """How many weights the decoder has, if it concatenates the encoder's features in place of adding them."""
    from jointopt.models.segmenter import Decoder

    got, decoder = number(answer), Decoder(skip=True)
    today = sum(p.numel() for p in decoder.parameters())
    middle, fine = decoder.middle[0].weight.numel(), decoder.fine[0].weight.numel()
    wanted = today + middle + fine
    if got == today:
        raise Wrong("that is the decoder that adds.")
    if got == middle + fine:
        raise Wrong(f"{got:,.0f} weights are new. How many are there then in all?")
    if got in (today + middle, today + fine):
        raise Wrong("that is with one of the two skip connections concatenated.")
    if got == 2 * today:
        raise Wrong("that is twice all of it. Only a layer that reads a skip connection gets more channels.")
    if got != wanted:
        raise Wrong(f"{got:,.0f} are too {'many' if got > wanted else 'few'}. Which layers read a sum today?")
    return f"{100 * (wanted / today - 1):.0f} % more than now: a cut would have removed weights, too."


@exercise(
    "7.6",
    "Write J with s = log σ² in place of σ. At rest, its slope in s is 0.",
    "exp(−s) is its own derivative, but for the sign.",
)
def weights_at_rest(answer):
    """A function of (cross_entropy, boxes): the two weights, 1/σ₁² and 1/(2σ₂²), at which J is level in both σ."""
    from jointopt.models.segmenter import SPEED, Balance

    at_rest = function(answer, "cross_entropy", "boxes")
    for losses in ((0.1, 6.0), (0.5, 0.25), (2.0, 30.0)):
        weights = _two(given(at_rest(*losses)), "the function returns two weights, that of cross-entropy first.")
        if min(weights) <= 0:
            raise Wrong(f"a weight is 1/σ² or half of it, so it is positive; yours are {_pair(weights)}.")
        balance = Balance().double()
        with torch.no_grad():
            balance.slow.copy_(-torch.tensor([weights[0], 2 * weights[1]]).double().log() / SPEED)
        (slopes,) = torch.autograd.grad(balance(*torch.tensor(losses, dtype=torch.float64)), balance.slow)
        slopes = [round(slope / SPEED, 4) + 0.0 for slope in slopes.tolist()]
        if any(abs(slope) > 1e-3 for slope in slopes):
            where = f"for losses of {losses[0]:g} and {losses[1]:g} your weights are {_pair(weights)}"
            slopes = " and ".join(f"{slope:+.3g}" for slope in slopes)
            raise Wrong(f"{where}. There the slopes of J in log σ₁² and log σ₂² are {slopes}, not 0.")
    return "For 0.1 nats and 6 pixels they are 5 and 0.083, a ratio of 60. The best λ of the sweep is a ratio of 100."


def _two(pair: object, wanted: str) -> list[float]:
    """Two numbers, of a tuple, a list or a tensor. Wrong, with these words, for anything else."""
    try:
        values = [number(each) for each in islice(pair, 3)]
    except TypeError:
        raise Wrong(wanted) from None
    if len(values) != 2:
        raise Wrong(wanted)
    return values


def _pair(weights: list[float]) -> str:
    return " and ".join(f"{weight:.3g}" for weight in weights)


@exercise(
    "7.7",
    "Keep the pixels with masks != 255 first; then there is nothing more to say about them.",
    "For each class from 1 on: how many pixels are both, how many are either? Skip it where `either` is 0.",
)
def foreground_iou(answer):
    """A function of (predicted, masks, classes): the foreground's IoU in percent, as the task's evaluate has it."""
    from jointopt.metrics import confusion, iou

    metric = function(answer, "predicted", "masks", "classes")
    random = torch.Generator().manual_seed(0)

    def masks_and_errors(share: float, errors: float) -> tuple[Tensor, Tensor]:
        """A mask (1, 12, 12) with this share of foreground, and what was predicted."""
        labels = torch.randint(1, 4, (2, 1, 12, 12), generator=random)
        masks, others = labels * (torch.rand(labels.shape, generator=random) < share)
        return torch.where(torch.rand(masks.shape, generator=random) < errors, others, masks), masks

    def asked(what: str, predicted: Tensor, masks: Tensor, classes: int = 3, why: str = "") -> None:
        counts = confusion(predicted, masks, 1 + classes, 255)
        each = iou(counts)
        wanted = 100 * each[1:].nanmean().item()
        answered = given(metric(predicted.clone(), masks.clone(), classes))
        if isinstance(answered, float | Tensor) and torch.as_tensor(answered).isnan().any():
            raise Wrong(f"{what} yours is nan, and {wanted:.1f} is asked for.")
        got = number(answered)
        if abs(got - wanted) > 0.01:
            for other, words in (
                (wanted / 100, "percent are asked for"),
                (100 * each.nanmean().item(), BACKGROUND),
                (100 * (2 * each / (1 + each))[1:].nanmean().item(), DICE),
            ):
                why = words if abs(got - other) < 1e-4 * wanted else why
            raise Wrong(f"{what} yours is {got:.2f}, and {wanted:.2f} is asked for{why and ': '}{why}.")

    dense, sparse = masks_and_errors(0.9, 0.3), masks_and_errors(0.2, 0.8)
    predicted, masks = (torch.cat(parts) for parts in zip(dense, sparse, strict=True))  # (2, 12, 12)
    asked("for one scene", *dense)
    asked("for two scenes", predicted, masks, why="sum the pixels over the scenes, and divide then")
    asked("with a fourth class that is nowhere", predicted, masks, 4, "such a class is left out")
    without = torch.where(predicted == 2, 0, predicted)
    asked("where class 2 is in the masks, and never predicted,", without, masks, why="such a class has an IoU of 0")
    without = torch.where(masks == 2, 0, masks)
    asked("where class 2 is predicted, and not in the masks,", predicted, without, why="such a class has an IoU of 0")
    void = masks.masked_fill(torch.rand(masks.shape, generator=random) < 0.3, 255)
    asked("with pixels whose mask is 255", predicted, void, why="do they count as errors?")
    return "The task's own `evaluate` counts in the same way."


@exercise(
    "7.8",
    "[Update(…)] * n is a list of n equal updates.",
    "plans.alternating takes any number of updates, and repeats them in order until `steps`.",
)
def turns_of_several_steps(answer):
    """A function of (n, steps): n updates of the encoder, n of decoder and head, and again, `steps` in all."""
    plan = function(answer, "n", "steps")
    for n, steps in ((10, 45), (3, 4), (1, 6)):
        called = f"turns({n}, {steps})"
        stream = given(plan(n, steps))
        try:
            taken = updates(stream, steps)
        except Wrong as wrong:
            raise Wrong(f"{called}: {wrong}") from None
        if len(taken) < steps:
            raise Wrong(f"{called} ends after {len(taken)} updates: `steps` is for all turns together.")
        for step, update in enumerate(taken):
            wanted = {"encoder"} if step // n % 2 == 0 else {"decoder", "head"}
            if set(update.modules or ("encoder", "decoder", "head")) != wanted:
                moves = "all modules" if update.modules is None else _listed(update.modules)
                raise Wrong(f"in {called}, step {step} moves {moves}, not {_listed(wanted)}; steps count from 0.")
            if not (update.counts("cross_entropy") and update.counts("dice")):
                raise Wrong("both losses are counted at every step: name no losses.")
    return "The longer the turns, the nearer this comes to staged training."


def _listed(modules: set[str]) -> str:
    return " and ".join(sorted(modules))


@exercise(
    "7.9",
    "What shape has F.one_hot(masks, 4), and on which axis are the classes?",
    "reshape keeps the numbers in their order in memory; permute and movedim exchange axes.",
)
def dice_of_right_scores(answer):
    """A soft Dice loss of (scores, masks), as by hand in the chapter."""
    from jointopt.tasks.segmentation import dice_loss

    loss = function(answer, "scores", "masks")
    random = torch.Generator().manual_seed(0)
    masks = torch.randint(0, 4, (2, 12, 12), generator=random)

    def of_right_scores(masks: Tensor) -> float:
        scores = 60.0 * (masks[:, None] == torch.arange(4).view(4, 1, 1)) - 30  # (2, 4, 12, 12)
        return tensor(loss(scores, masks.clone())).item()

    mirrored = masks.triu() + masks.triu(1).mT  # rows and columns may be exchanged
    if (got := of_right_scores(mirrored)) > 0.05:
        raise Blank(f"scores that are right at every pixel have a loss of {got:.2f}, not 0.")
    if (got := of_right_scores(masks)) > 0.05:
        raise Wrong(
            f"right scores have a loss of {got:.2f}, and of 0 if masks are symmetric. Which axes changed roles?"
        )
    scores = torch.randn(2, 4, 12, 12, generator=random).requires_grad_()
    value, wanted = loss(scores, masks.clone()), dice_loss(scores, masks)
    got = tensor(value).item()
    if not value.requires_grad:
        raise Wrong("right scores have a loss of 0 now, but no gradient reaches the scores: nothing would be learned.")
    if abs(got - wanted.item()) > 1e-4:
        raise Wrong(
            f"for random scores yours is {got:.3f}, and the one by hand {wanted.item():.3f}."
            " Change nothing but the bug: softmax, foreground and sums stay."
        )
    slopes = [torch.autograd.grad(each, scores, allow_unused=True)[0] for each in (value, wanted)]
    if slopes[0] is None or not torch.allclose(*slopes, rtol=1e-2, atol=1e-6):
        raise Wrong("the value is right, but its gradient is not that of the loss by hand.")
    return "Training would have gone on with the bug: shapes fit, nothing is nan, and J falls."


@exercise(
    "7.10",
    "Which tensors does the optimizer know?",
    "model.parameters() are the model's. s is none of them.",
)
def weights_that_are_learned(answer):
    """A function of (model, losses, steps) that trains the model and the two weights, and returns the weights."""
    train_both = function(answer, "model", "losses", "steps")
    steps, calls = 50, []
    with seeded(0):
        model, inputs = nn.Linear(3, 2), torch.randn(8, 3)

    def losses(model, number):
        calls.append(number)
        first, second = model(inputs).T
        return 0.05 + 0.05 * (first - 1).square().mean(), 4 + (second - 1).abs().mean()

    before = model.weight.detach().clone()
    weights = _two(given(train_both(model, losses, steps)), "the function returns the two weights.")
    if len(calls) != steps:
        raise Wrong(f"of {steps} steps that were asked for, {len(calls)} asked for the losses.")
    came = f"after {steps} steps the weights are {_pair(weights)}"
    if weights == [1.0, 0.5]:
        raise Blank(f"{came}, as at first, though the losses are near 0.1 and 5.")
    if torch.dist(before, model.weight.detach()) < 1e-3:
        raise Wrong(f"{came}, so they are learned. But the model stands still.")
    if weights[0] < 1 and weights[1] < 0.5:
        raise Wrong(f"{came}: both have fallen. What keeps J from falling with σ → ∞?")
    if not (weights[0] > 1.02 and weights[1] < 0.49):
        raise Wrong(
            f"{came}. At first they were 1 and 0.5; the smaller loss is to weigh more, and the larger one less."
        )
    return f"Now {came}."
