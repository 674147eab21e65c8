"""Chapter 6, detection: where a detector's losses begin, what a box is, what counts as found, and who may move."""

import math
from collections import Counter
from itertools import product

import torch
from torch.nn import functional as F

from jointopt.exercises import answers
from jointopt.exercises.answers import Blank, Wrong, function, given, number, pair, pure_function, tensor, updates
from jointopt.exercises.registry import exercise, prediction

FIRST, SECOND = frozenset({"objectness", "rpn_box_reg"}), frozenset({"classifier", "box_reg"})
MODULES = ("backbone", "rpn", "roi_heads")

prediction(
    "6.1",
    "A loss reaches what it is computed from, unless something is detached on the way. What does the RPN hand on?",
    choices=("backbone, rpn, roi_heads", "backbone, roi_heads", "roi_heads"),
)
prediction(
    "6.2",
    "Digits can be classified from random features. Do such features say where a digit ends?",
    unit="points",
    close=10,
)
prediction(
    "6.3",
    "In the last two of the four steps the backbone stands still. With how much compute is it trained?",
    choices=("joint", "four steps", "undecided"),
)
prediction(
    "6.4",
    "What is in J depends on what the RPN proposes. What could an RPN that moves its proposals at will do to J?",
    choices=("exact", "approximate", "undecided"),
)


@exercise(
    "6.5",
    "A cross-entropy is −log of the probability of the true class, in nats. How probable is it, if all are alike?",
    "The RPN chooses between object and background. Among how many classes do the heads choose?",
)
def first_losses(answer):
    """A function of the number of kinds of object: (objectness, classifier) where every class is equally likely."""
    values = function(answer, "kinds")
    for kinds in (3, 1, 20):
        objectness, classifier = map(number, pair(values(kinds), "(objectness, classifier)"))
        where = f"for {kinds} {'kind' if kinds == 1 else 'kinds'} of object"
        for value, wanted in ((objectness, math.log(2)), (classifier, math.log(kinds + 1))):
            if abs(value + wanted) < 1e-2:
                raise Wrong(f"{where} one of your losses is {value:.2f}: mind the sign, no cross-entropy is negative.")
            if 1e-4 < abs(value - wanted) < 1e-2:
                raise Wrong(f"{where} one of your losses is {value:g}, which is nearly right: let math compute it.")
        if abs(objectness - 1) < 1e-3:
            raise Wrong("objectness of 1 is in bits; torch's cross-entropies use the natural logarithm.")
        if abs(objectness - math.log(2)) > 1e-3:
            raise Wrong(f"{where} your objectness begins at {objectness:.2f}. The RPN has two choices, always.")
        if abs(classifier - math.log(kinds)) < 1e-3:
            raise Wrong(f"{where} your classifier begins at {classifier:.2f}; the heads know one more class.")
        if abs(classifier - math.log(kinds + 1)) > 1e-3:
            raise Wrong(f"{where} your classifier begins at {classifier:.2f}; equal chances give another value.")
    return "A first loss far above these says that a detector is sure of something before it has learned anything."


@exercise(
    "6.6",
    "Let d be the shift. Which area do both boxes share, and which do they cover together?",
    "Draw both squares, with d = side/2. Together they cover less than two squares: by what?",
)
def largest_shift(answer):
    """How far a square box may be shifted along one axis until its IoU has fallen to `overlap`."""
    from jointopt.metrics import box_iou

    shift = function(answer, "side", "overlap")
    for side, overlap in ((22, 0.5), (22, 0.75), (32, 0.5), (40, 0.25), (30, 1.0)):
        got = number(shift(side, overlap))
        words = f"for a side of {side} and an IoU of {overlap:g} yours is {got:.3g} pixels"
        if got < 0:
            raise Wrong(f"{words}; a distance is asked for.")
        square = torch.tensor([[0, 0, side, side]], dtype=torch.float64)
        reached = box_iou(square, square + torch.tensor([got, 0, got, 0])).item()
        if (off := abs(reached - overlap)) > 1e-3:
            fallen = "has fallen to" if reached < overlap else "is still"
            now = f"{reached:.4f}" if off < 1e-2 else f"{reached:.2f}"
            hint = ": let Python compute it, do not round" * answers.rounded(got, side * (1 - overlap) / (1 + overlap))
            raise Wrong(f"{words}. At that shift the IoU {fallen} {now}{hint}.")
    return "A square of 22 pixels may be 7.3 pixels off at an IoU of 0.5, and 3.1 at 0.75."


@exercise(
    "6.7",
    "Compare the comment in the function's first line with the one in the chapter's own `iou`.",
    "The detector wants both corners: x1, y1, x2, y2. Leave the objects of the file as they are.",
)
def coco_boxes(answer):
    """A function of COCO's objects that returns a target as the detector wants it."""
    read, labels = pure_function(answer, "objects"), [3, 1]
    fractions, whole = ([6.5, 8.0, 12.0, 16.0], [20.0, 20.0, 30.0, 25.0]), ([6, 8, 12, 16], [20, 20, 30, 25])
    for where, rows in (("", fractions), (" where the file has whole numbers", whole)):
        objects = [{"bbox": list(row), "category_id": label} for row, label in zip(rows, labels, strict=True)]
        target = given(read(objects))
        _check_target(target, rows, where)
        if target["labels"].tolist() != labels:
            raise Wrong(f"the labels are {target['labels'].tolist()}, not those of the file, {labels}.")
    return "Draw boxes before you train: x, y, width, height pass for corners as long as width > x and height > y."


def _check_target(target, rows, where):
    from jointopt.metrics import box_iou
    from jointopt.tasks.detection import check_batch

    try:
        check_batch(([torch.zeros(3, 96, 96)], [target]), classes=3)
    except ValueError as error:
        raise Wrong(f"the task refuses it{where}: {error}.") from None
    if len(target["boxes"]) != 2:
        raise Wrong(f"two objects are given; yours returns {len(target['boxes'])}.")
    wanted = torch.Tensor([[x, y, x + width, y + height] for x, y, width, height in rows])
    overlap, worst = min(zip(box_iou(target["boxes"].float(), wanted).tolist(), (0, 1), strict=True))
    words = "an object with its corner at ({:g}, {:g}), {:g} wide and {:g} high, becomes the box ".format(*rows[worst])
    words += "({:g}, {:g}, {:g}, {:g})".format(*target["boxes"][worst].tolist())
    words += f", and its IoU with the true box is {overlap:.2f}."
    if torch.equal(target["boxes"].float(), torch.Tensor(rows)):
        raise Blank(f"{words} Nothing complains.")
    if overlap < 0.999:
        raise Wrong(words)


ONE, LOWER, FLAT, HALF = (10, 10, 30, 30), (10, 12, 30, 32), (10, 10, 30, 24), (10, 10, 30, 20)
LEFT, RIGHT, FAR, CORNER = (4, 10, 24, 30), (16, 10, 36, 30), (50, 10, 70, 30), (70, 70, 90, 90)
CASES = (  # boxes, scores, true boxes, overlap, which boxes count
    ([FAR, CORNER, ONE], [0.3, 0.9, 0.6], [ONE, FAR], 0.5, [True, False, True]),
    ([LOWER, ONE], [0.5, 0.9], [ONE], 0.5, [False, True]),
    ([FLAT, ONE], [0.9, 0.8], [ONE], 0.5, [True, False]),
    ([LEFT, RIGHT], [0.9, 0.8], [ONE], 0.5, [True, False]),
    ([HALF], [0.9], [ONE], 0.5, [True]),
    ([FLAT], [0.9], [ONE], 0.75, [False]),
    ([(3.9, 0, 13.9, 10), (2.5, 0, 12.5, 10)], [0.9, 0.8], [(0, 0, 10, 10), (4, 0, 14, 10)], 0.5, [True, True]),
    ([(3, 0, 13, 10), (0, 0, 10, 10)], [0.9, 0.8], [(0, 0, 10, 10), (4, 0, 14, 10)], 0.5, [True, True]),
    ([ONE, FAR], [0.9, 0.8], [], 0.5, [False, False]),
)
WORDS = (  # of each case, for who says otherwise
    "of three boxes, in the order in which they are given, the second meets no object and the others do",
    "of two boxes on one object, with scores 0.5 and 0.9, the second alone counts",
    "two boxes meet one object: score 0.9 with an IoU of 0.7, score 0.8 with 1. The better score takes it",
    "two boxes meet one object from its two sides, and overlap each other by 0.25. One of them is a duplicate",
    "an IoU of exactly 0.5 is enough for 0.5",
    "an IoU of 0.7 is not enough for 0.75",
    "the second box overlaps one true box by 0.74, which is taken, and a free one by 0.6. It counts",
    "the first box overlaps two true boxes, by 0.54 and 0.82. It takes the latter, so that the second box counts, too",
    "in an image without an object, where truth has the shape (0, 4), no box counts",
)


@exercise(
    "6.8",
    "Which true boxes are still free when a box has its turn? As it is given, the function never asks.",
    "A loop over scores.argsort(descending=True) gives the turns. What has to be kept from one turn to the next?",
)
def found_once(answer):
    """Which boxes count: by falling score, each true box once."""
    counts = pure_function(answer, "boxes", "scores", "truth", "overlap")
    if all(_flags(counts, [ONE] * 3, [0.9, 0.8, 0.7], [ONE], 0.5)):
        words = "a detector that says one box three times has three hits on one object, and a precision of 100 %."
        adds = "add" in getattr(getattr(answer, "__code__", None), "co_names", ())
        in_a_set = " (Are there tensors in your set? Two tensors of one value are different keys: .item() is a number.)"
        raise Blank(words + in_a_set * adds)
    for (*given_, wanted), words in zip(CASES, WORDS, strict=True):
        try:
            flags = _flags(counts, *given_)
        except IndexError as error:
            raise Wrong(f"{words}; yours raises IndexError: {error}") from None
        if flags != wanted:
            raise Wrong(f"{words}; yours says {flags}.")
    return "A detector that repeats itself loses precision now."


def _flags(counts, boxes, scores, truth, overlap):
    """What the answer says of these boxes, as a list of bool."""
    value = given(counts(torch.Tensor(boxes), torch.Tensor(scores), torch.Tensor(truth).view(-1, 4), overlap))
    try:
        flags = torch.as_tensor(value).detach()
    except (TypeError, ValueError, RuntimeError):
        raise Wrong("a bool for each box is asked for, as a tensor or a list.") from None
    if tuple(flags.shape) != (len(boxes),) or not ((flags == 0) | (flags == 1)).all():
        raise Wrong(f"a bool for each of {len(boxes)} boxes is asked for; yours is {flags.tolist()}.")
    return flags.bool().tolist()


@exercise(
    "6.9",
    "Which proposals have a box to fit, and by how many numbers is the sum over them to be divided?",
    "A mean over nothing is 0/0. A sum over nothing is 0, and its gradient is 0, too.",
)
def box_loss(answer):
    """Smooth L1, the mean over the proposals on an object; 0, with a gradient, where there is none."""
    loss = pure_function(answer, "shifts", "targets", "labels")
    (shifts, targets), labels = torch.randn(2, 6, 4), torch.tensor([2, 0, 0, 1, 0, 0])

    def pulled(shifts, targets, labels, where="of six proposals, two on an object:"):
        shifts = shifts.clone().requires_grad_()
        value = given(loss(shifts, targets, labels))
        if isinstance(value, torch.Tensor) and value.isnan().any():
            raise Wrong(f"{where} the loss is nan, and jointopt ends the run there.")
        value_ = tensor(value).item()
        gradient = torch.autograd.grad(value, shifts, allow_unused=True)[0] if value.requires_grad else None
        if gradient is None:
            raise Wrong(f"{where} the loss does not depend on the shifts, so that backward() has nothing to follow.")
        return value_, gradient

    value, gradient = pulled(shifts, targets, labels)
    pulls = gradient.norm(dim=1)  # (6,)
    if pulls[labels == 0].max() > 1e-8:
        share = f"{100 * pulls[labels == 0].sum() / pulls.sum():.0f} % of the pull"
        raise Blank(f"with two proposals on an object and four of background, {share} comes from the background.")
    if pulls[labels > 0].min() < 1e-8:
        raise Wrong("a proposal on an object has no gradient: labels above 0 are objects, of whichever class.")
    background = torch.randn(30, 4)
    more, _ = pulled(*(torch.cat([x, background]) for x in (shifts, targets)), F.pad(labels, (0, 30)))
    if abs(more - value) > 1e-5:
        raise Wrong(f"with 30 more proposals of background the loss goes from {value:.3f} to {more:.3f}.")
    twice, _ = pulled(*(torch.cat([x, x]) for x in (shifts, targets, labels)))
    if abs(twice - value) > 1e-5:
        raise Wrong(f"with every proposal twice the loss goes from {value:.3f} to {twice:.3f}: a mean would stay.")
    mean = F.smooth_l1_loss(shifts[labels > 0], targets[labels > 0]).item()
    if min(abs(value - mean), abs(value - 4 * mean)) > 1e-5:  # over the numbers, or over the boxes
        raise Wrong(f"the loss is {value:.3f}; the mean of smooth L1 is {mean:.3f}.")
    value, gradient = pulled(shifts, targets, torch.zeros_like(labels), where := "in a batch without an object:")
    if value or gradient.any():
        raise Wrong(f"{where} the loss is {value:.3f}, and its gradient {gradient.norm():.3g}; both are to be 0.")
    return "A batch without an object costs nothing, and breaks nothing."


@exercise(
    "6.10",
    "The backbone may miss every second turn: an Update may name the RPN alone, or the heads alone.",
    "Four updates in turn, and again: two of them move the backbone. How many steps does that make in all?",
)
def fair_turns(answer):
    """A plan in which each module moves `steps` times, each update on one stage's losses, all three to the end."""
    plan = function(answer, "steps")
    for steps in (4, 300):
        taken = updates(plan(steps), 3 * steps, called := f"plan({steps})")
        for update in taken:
            _check_stage(update)
        moves = Counter((name, update.losses) for update in taken for name in update.modules)
        for name in MODULES:
            if (moved := moves[name, FIRST] + moves[name, SECOND]) != steps:
                raise Wrong(f"in {called} {name} moves {moved} times, not {steps}.")
        if (heard := moves["backbone", FIRST]) != steps // 2:
            raise Wrong(f"in {called} {heard} of the backbone's moves are on the RPN's losses, not {steps // 2}.")
    size = len(taken) // 10
    for start in range(0, 10 * size, size):
        seen = Counter((name, update.losses) for update in taken[start : start + size] for name in update.modules)
        for name, losses in product(MODULES, (FIRST, SECOND)):
            if not moves[name, losses] / 20 <= (count := seen[name, losses]) <= moves[name, losses] / 5:
                words = f"{name} moves {count} of its {moves[name, losses]} times on {' and '.join(sorted(losses))}"
                raise Wrong(f"in updates {start} to {start + size - 1} of {called} {words}: take turns throughout.")
    return f"It takes {len(taken)} updates for {steps} moves of each module."


def _check_stage(update):
    """Raise Wrong unless the update counts the losses of one stage, and moves what they reach."""
    if update.modules is None:
        raise Wrong("an Update that names no modules moves all three.")
    if unknown := sorted(update.modules - set(MODULES)):
        raise Wrong(f"the detector's modules are {', '.join(MODULES)}; yours names {unknown[0]!r}.")
    if update.losses not in (FIRST, SECOND):
        counted = "all four losses" if update.losses is None else ", ".join(sorted(update.losses))
        raise Wrong(f"each update counts the two losses of one stage; one of yours counts {counted}.")
    for name, losses in (("rpn", SECOND), ("roi_heads", FIRST)):
        if name in update.modules and update.losses == losses:
            raise Wrong(f"one update moves {name} on {' and '.join(sorted(losses))}, whose gradients do not reach it.")


@exercise(
    "6.11",
    "A sum of two parts, one of them detached: which has the value of the shifts, and `scale` times their gradient?",
    "Or a copy of the shifts with a hook. On the shifts themselves it would scale the RPN's own loss as well.",
)
def part_of_the_gradient(answer):
    """A function that returns the shifts, with `scale` times the gradient behind them."""
    part = pure_function(answer, "shifts", "scale")
    for scale in (0.25, 1.0, 0.0):
        weights = torch.randn(5, 4, requires_grad=True)
        shifts = weights * 2  # as the RPN computes them
        own, others = torch.randn(2, 5, 4)
        out = given(part(shifts, scale))
        if not torch.allclose(tensor(out, 5, 4), weights.detach() * 2, atol=1e-5):
            raise Wrong(f"at a scale of {scale:g} other shifts come out than went in: the boxes move.")
        (kept,) = torch.autograd.grad((shifts * own).sum(), weights, retain_graph=True)
        if abs((share := (kept.norm() / (2 * own).norm()).item()) - 1) > 1e-4:
            raise Wrong(f"at a scale of {scale:g} the RPN's own loss has {share:.3g} of its gradient, not all of it.")
        back = torch.autograd.grad((out * others).sum(), weights, allow_unused=True)[0] if out.requires_grad else None
        got = 0.0 if back is None else ((back * others).sum() / (2 * others.square().sum())).item()
        if abs(got - scale) > 1e-4:
            raise Wrong(f"at a scale of {scale:g} the part that comes back is {got:.3g}.")
    return "At 0 it is the paper's approximate training, at 1 the exact one."
