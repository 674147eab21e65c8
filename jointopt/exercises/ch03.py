"""Chapter 3, the code example: what its formula lacks, reading in eval mode, and a batch in parts."""

import copy
import math
from collections import OrderedDict
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from jointopt.exercises.answers import Blank, Wrong, function, given, kind, number, tensor
from jointopt.exercises.registry import exercise, prediction
from jointopt.models import EndToEndModel
from jointopt.objective import l2

prediction("3.1", "One line is one batch. How many images are in all batches together?", close=0.1)
prediction("3.2", "What does a regularizer prevent? When does that begin?", choices=("more", "fewer", "neither"))
prediction("3.3", "Adam divides a gradient by its own size, however small.", choices=("jumps", "stays", "falls"))
prediction(
    "3.4", "Does the sum of all gradients so far still point roughly uphill?", choices=("error", "guesses", "learns")
)


@exercise(
    "3.5",
    "The softmax hands on numbers from 0 to 1. What are the surest ones that it can hand on?",
    "The right class gets 1 and the others get 0; the cross-entropy takes a softmax of these.",
)
def floor_under_two_softmaxes(answer):
    """The lowest cross-entropy, in nats, of scores that are probabilities already."""
    floor = function(answer, "classes")
    for classes in (10, 2, 1000):
        got, sure = number(floor(classes)), F.one_hot(torch.tensor([0]), classes).double()
        wanted = F.cross_entropy(sure, torch.tensor([0])).item()
        if abs(got - wanted) < 1e-3:
            continue
        if abs(got) < 1e-6:
            raise Wrong("0 is the floor for scores without bounds. A softmax hands on no number above 1.")
        if got < 0:
            raise Wrong(f"for {classes} classes yours is {got:.3g}, and a cross-entropy is never negative.")
        if abs(got - math.log(classes)) < 1e-3:
            raise Wrong(f"for {classes} classes yours is {got:.3g}: that is a guess, with all scores equal.")
        way = "higher" if wanted > got else "lower"
        raise Wrong(f"for {classes} classes yours is {got:.5g}; the true floor is {way}.")
    return "1.46 for 10 classes, where a guess is 2.30; 5.91 for 1,000, where a guess is 6.91."


@exercise(
    "3.6",
    "model.named_parameters() gives pairs of a name and a parameter.",
    "The name of a bias ends in 'bias'; the sum of squares has to stay a tensor.",
)
def penalty_without_biases(answer):
    """½ Σ w² over the weights of a model, without its biases."""
    reg = function(answer, "model")
    for model in (EndToEndModel(num_classes=10), nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))):
        weights = [p for name, p in model.named_parameters() if not name.endswith("bias")]
        for bias in (p for name, p in model.named_parameters() if name.endswith("bias")):
            nn.init.constant_(bias, 2.0)
        got = given(reg(model))
        if not isinstance(got, Tensor):
            raise Wrong(f"a tensor is asked for, so that it has a gradient; yours is {kind(got)}.")
        value, wanted = number(got), l2(nn.ParameterList(weights)).item()
        if not got.requires_grad:
            raise Wrong("no gradient comes out of it: the sum was cut off from the weights.")
        if math.isclose(value, l2(model).item(), rel_tol=1e-4):
            raise Wrong("the biases are still in it.")
        if math.isclose(value, 2 * wanted, rel_tol=1e-4):
            raise Wrong("it is twice as large as ours: the factor ½ is missing.")
        if not math.isclose(value, wanted, rel_tol=1e-4):
            raise Wrong(f"yours is {value:.3g} where ½ Σ w² over the weights is {wanted:.3g}.")
        pulls = torch.autograd.grad(got.sum(), weights, materialize_grads=True)
        if not all(torch.allclose(pull, p, atol=1e-5) for pull, p in zip(pulls, weights, strict=True)):
            raise Wrong("its value is right, but not its gradient, which should be w in each weight.")
    return "It leaves out 234 of the document's 422,218 parameters."


@exercise(
    "3.7",
    "64 * 7 * 7 wants 7×7 positions: pool between the features and fc1. A pooling has no weights.",
    "nn.AdaptiveAvgPool2d makes a fixed number of positions out of any number.",
)
def model_for_any_size(answer):
    """A function that returns a model with the document's state_dict, for images of any size."""
    make = function(answer, "num_classes")
    for classes in (10, 3):
        model, document = given(make(classes)), EndToEndModel(classes).eval()
        if not isinstance(model, nn.Module):
            raise Wrong(f"a model is asked for, an nn.Module, not {kind(model)}.")
        _same_weights(model.state_dict(), document.state_dict())
        model.load_state_dict(document.state_dict())
        model.eval()
        with torch.no_grad():
            images = torch.rand(2, 3, 28, 28)
            off = (_scores(model, images, classes) - document(images)).abs().max().item()
            if off > 1e-4:
                raise Wrong(f"with the document's weights, the scores of 28×28 images are off by up to {off:.2g}.")
            for size in ((32, 32), (20, 20), (28, 40)):
                _scores(model, torch.rand(2, 3, *size), classes)
            images = torch.rand(2, 3, 64, 64)
            scores = _scores(model, images, classes)
            images[:, :, 48:, 48:] = 1 - images[:, :, 48:, 48:]
            if (_scores(model, images, classes) - scores).abs().max() < 1e-6:
                raise Wrong("a 64×64 image may change in its lower right corner, and its scores stay: it is cut off.")
    return "Each of the 7×7 positions now stands for a share of the image."


def _same_weights(have: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> None:
    """Wrong unless both have the same names and shapes."""
    for name, weight in wanted.items():
        if name not in have:
            raise Wrong(f"saved weights do not load: the model has nothing named {name!r}.")
        if nn.parameter.is_lazy(have[name]):
            raise Wrong(f"saved weights do not load: {name!r} has no shape before a first image.")
        if have[name].shape != weight.shape:
            shapes = f"they have the shape {tuple(weight.shape)} and yours {tuple(have[name].shape)}"
            raise Wrong(f"saved weights do not load: for {name!r} {shapes}.")
    if more := sorted(set(have) - set(wanted)):
        raise Wrong(f"saved weights do not load: they have nothing for {more[0]!r}.")


def _scores(model: nn.Module, images: Tensor, classes: int) -> Tensor:
    """(2, classes). Wrong if the model refuses images of this size."""
    try:
        return tensor(model(images), 2, classes)
    except RuntimeError as error:
        size = "×".join(map(str, images.shape[2:]))
        raise Wrong(f"images of {size} are refused: {str(error).partition(chr(10))[0]}") from None


@exercise(
    "3.8",
    "The gradient is λ·w, from the factor ½. Call it g: which running means m and v has Adam after this step?",
    "m = 0.1·g and v = 0.001·g². In the corrections, t = quiet + 1: the quiet steps count.",
)
def move_under_adam(answer):
    """By how much the first λ·w moves a weight under Adam, after some steps with a gradient of 0."""
    move = function(answer, "w", "lam", "lr", "quiet")
    for w, lam, lr, quiet in (
        (0.5, 1e-4, 1e-3, 0),
        (-0.5, 1e-4, 1e-3, 0),
        (0.5, 1e-2, 1e-3, 0),
        (0.5, 1e-2, 1e-3, 25),
        (-0.2, 1e-2, 1e-2, 200),
    ):
        got, wanted = number(move(w, lam, lr, quiet)), _adams_move(w, lam, lr, quiet)
        if abs(got - wanted) < 0.03 * abs(wanted):
            continue
        yours = f"for w = {w:g}, λ = {lam:g}, lr = {lr:g}, quiet = {quiet} yours is {got:.2g}"
        if math.isclose(got, -lr * lam * w, rel_tol=1e-3):
            raise Wrong(f"{yours}: that is SGD's step. Adam divides by the root of its running mean of squares.")
        if abs(got - w - wanted) < 0.03 * abs(wanted):
            raise Wrong(f"{yours}: that is where the weight is then. By how much did it move?")
        if got * w > 0:
            raise Wrong(f"{yours}, away from 0. λ pulls towards it.")
        if not quiet and abs(got - 10**0.5 * wanted) < 0.05 * abs(wanted):
            raise Wrong(f"{yours}, too far: Adam corrects its running means for their start at 0.")
        way = "too far" if abs(got) > abs(wanted) else "not far enough"
        raise Wrong(f"{yours}, {way}" + (": count the quiet steps in both corrections." if quiet else "."))
    return "λ itself does not matter. 25 quiet steps: 0.54 lr, then more in each step, up to 1.32 lr."


def _adams_move(w: float, lam: float, lr: float, quiet: int) -> float:
    weight = torch.tensor([w], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([weight], lr=lr)
    for gradient in [0.0] * quiet + [lam * w]:
        weight.grad = torch.full_like(weight, gradient)
        optimizer.step()
    return weight.item() - w


HISTORIES = (  # losses, patience -> (stopped, kept)
    ((2.0, 1.5, 1.2, 1.1), 2, (3, 3)),
    ((2.0, 1.0, 1.2, 1.1, 1.3, 0.9), 2, (3, 1)),
    ((2.0, 1.0, 1.2, 0.8, 1.0, 0.9, 0.7), 2, (5, 3)),
    ((2.0, 1.5, 1.8, 1.6), 5, (3, 1)),
    ((1.0, 1.0, 1.0), 1, (1, 0)),
)


@exercise(
    "3.9",
    "Keep the index of the lowest loss so far. How far back is it?",
    "Compare with the lowest loss so far, not with the one before, and never look at what comes later.",
)
def early_stopping(answer):
    """(the check after which training stops, the check whose weights are kept)."""
    stop = function(answer, "losses", "patience")
    for losses, patience, wanted in HISTORIES:
        pair = given(stop(list(losses), patience))
        try:
            stopped, kept = (number(each) for each in pair)
        except (TypeError, ValueError):
            raise Wrong(f"a pair of numbers is asked for, (stopped, kept), not {kind(pair)}.") from None
        if (stopped, kept) == wanted:
            continue
        yours = f"for losses {', '.join(map(str, losses))} and patience {patience} yours stops after check {stopped:g}"
        if stopped not in range(len(losses)):
            raise Wrong(f"{yours}, and the last one is check {len(losses) - 1}.")
        if stopped != wanted[0]:
            raise Wrong(f"{yours}: {'too late' if stopped > wanted[0] else 'too early'} (the first is check 0).")
        if kept > stopped:
            raise Wrong(f"{yours}, which is right, but keeps check {kept:g}, which training never reaches.")
        raise Wrong(f"{yours}, which is right, but keeps check {kept:g}: it is not the first with the lowest loss.")
    return "What would have come after the stop stays unknown: that is the price."


@exercise(
    "3.10",
    "Look at model.training before and after a call.",
    "model.train() at the end is half of a repair: it also switches what was in eval mode before.",
)
def accuracy_in_the_middle(answer):
    """The accuracy in %, read in eval mode; each module's mode stays as it was."""
    read = function(answer, "model", "images", "labels")
    layers = nn.Sequential(nn.Flatten(), nn.Linear(12, 64), nn.ReLU())
    head = nn.Sequential(nn.Dropout(0.5), nn.Linear(64, 5))
    model = nn.Sequential(OrderedDict(feature_extractor=layers, classifier=head))
    images = torch.randn(250, 3, 2, 2)
    labels = model.eval()(images).argmax(1)
    labels[:75] = (labels[:75] + 1) % 5  # 30 % are wrong
    dropped = _switched_off(model.train())
    percent = [number(read(model, images, labels)) for _ in range(2)]
    if abs(percent[0] - percent[1]) > 1e-3:
        raise Wrong(f"two calls on the same images give {percent[0]:.1f} and {percent[1]:.1f} %: it reads at random.")
    if abs(percent[0] - 70) > 1e-3:
        raise Wrong(f"the model reads 70 % of our images correctly, and yours says {percent[0]:.3g} %.")
    if not head[0].training:
        after = _switched_off(model)
        raise Blank(f"before a call training switches off {dropped:.0f} % of the features, and after it {after:.0f} %.")
    for name, what in (("feature_extractor", "the feature extractor"), ("", "the whole model")):
        model.train().get_submodule(name).eval()
        before = [module.training for module in model.modules()]
        read(model, images, labels)
        if before != [module.training for module in model.modules()]:
            raise Wrong(f"{what} was in eval mode on purpose, and a call does not leave all modes as they were.")
    return "jointopt's evaluate does the same."


def _switched_off(model: nn.Module) -> float:
    """Which share of the features its dropout sets to zero, in %."""
    return 100 * (model.classifier[0](torch.ones(10000)) == 0).float().mean().item()


@exercise(
    "3.11",
    "Which gradients are left when the optimizer steps? Print the norm of one after each part.",
    "The mean over the batch is the mean of the parts' means, not their sum.",
)
def step_over_parts(answer):
    """One optimizer step on a batch that comes in parts, equal to the step on the whole batch."""
    step = function(answer, "model", "optimizer", "parts", "loss_of")
    for count in (4, 2):
        model = nn.Linear(3, 2).double()
        optimizer, taken = torch.optim.SGD(model.parameters(), lr=0.1), []
        optimizer.register_step_post_hook(lambda *_, taken=taken: taken.append(1))
        for call in ("first", "second"):
            inputs = torch.randn(16, 3).double()
            labels = (inputs[:, 0] > 0).long()
            parts = list(zip(inputs.chunk(count), labels.chunk(count), strict=True))
            wanted, last = (_sgd_move(model, batch) for batch in ((inputs, labels), parts[-1]))
            before = copy.deepcopy(model)
            taken.clear()
            step(model, optimizer, parts, _mean_loss)
            moved = _flat(model.parameters()) - _flat(before.parameters())
            if len(taken) != 1:
                raise Wrong(f"for {count} parts the optimizer takes {len(taken)} steps; it should take one.")
            if _off(moved, wanted) < 1e-3:
                continue
            if not moved.any():
                raise Wrong("the optimizer steps, and no weight moves: no gradient is there.")
            if _off(moved, moved.norm() / last.norm() * last) < 1e-3:
                raise Blank(f"of {count} parts only the last one counts: the step is {_off(moved, wanted):.0f} % off.")
            if call == "second":
                raise Wrong("the first call is right, the second is not: what the first one left is still there.")
            ratio = (moved.norm() / wanted.norm()).item()
            if _off(moved, ratio * wanted) < 1e-3:
                raise Wrong(f"with {count} parts the step is {ratio:.2g} times as long as the whole batch's.")
            raise Wrong(f"with {count} parts the step is {_off(moved, wanted):.0f} % off the whole batch's.")
    return "Four parts, one step, the memory of one part."


def _mean_loss(model: nn.Module, part: tuple[Tensor, Tensor]) -> Tensor:
    inputs, labels = part
    return F.cross_entropy(model(inputs), labels)


def _sgd_move(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    return -0.1 * _flat(torch.autograd.grad(_mean_loss(model, batch), list(model.parameters())))


def _flat(tensors: Iterable[Tensor]) -> Tensor:
    return torch.cat([each.detach().flatten() for each in tensors])


def _off(moved: Tensor, wanted: Tensor) -> float:
    """How far it is off, in % of the length of what is wanted."""
    return 100 * ((moved - wanted).norm() / wanted.norm()).item()
