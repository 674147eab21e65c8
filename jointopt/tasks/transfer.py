"""Transfer: a network that has learned five digits (source) is to learn five others (target).

Sources of the questions asked of it: Yosinski et al. 2014 (which layers can be kept), Girshick 2015, table 5 (how deep
to freeze), Kumar et al. 2022 (what fine-tuning does to features under a shift of the data).
"""

import copy
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm.auto import tqdm

from jointopt import data as sets
from jointopt import plans
from jointopt.checks import check_choice, check_count, check_parts
from jointopt.data import Images
from jointopt.models.stack import Stack, layers
from jointopt.optimizers import make_optimizer
from jointopt.system import seeded
from jointopt.tasks import classification
from jointopt.tasks.classification import check_labeled, choose, train_and_held_out
from jointopt.training import Loss, Task, Update, train

CLASSES = {"0-4": range(5), "5-9": range(5, 10)}
PRETRAINING_LR = 1e-3


def above(frozen: int, depth: int) -> Update:
    """The target's loss moves all above the first `frozen` layers."""
    return Update([*layers(frozen + 1, depth), "classifier"], "task")


def make(
    seed: int = 0,
    data: str = "cluttered",
    source: str = "0-4",
    labels: int = 300,
    depth: int = 8,
    pretrained: int = 500,
    keep: int | None = None,
    size: int = 32,
    held_out: str = "test",
) -> Task:
    """The target, digits 5–9 of `data` with `labels` labeled images per class, after `pretrained` steps on the source.

    Those steps use all training images of the source, however few labels the target has. They take some seconds, which
    a bar shows, once in a process for each choice of options.

    Losses: "task" and "source", cross-entropies in nats, each computed only where it is counted. The source is always
    over clutter; source="5-9" makes it the target's own classes. keep=k: of the pretrained layers only conv1 …
    conv<k> are kept; those above are drawn anew. held_out: "test" or "validation", see
    `classification.train_and_held_out`, for the source's images too. Where the target is plain, the accuracy under two
    shifts of the held-out images as well, over clutter and inverted.

    ValueError for another source or held_out, for keep beyond the depth, or more labels than there are.
    """
    check_choice("source", source, CLASSES)
    check_count("depth", depth, 1)
    check_count("pretrained", pretrained)
    keep = check_count("keep", depth if keep is None else keep, most=depth)
    pool, held = (of_classes(images, "5-9") for images in train_and_held_out(data, held_out))
    shifted = {}
    if data == "digits":
        clutter = of_classes(train_and_held_out("cluttered", held_out)[1], "5-9")
        shifted = {"over clutter": clutter.images, "inverted": 1 - held.images}
    labeled = choose(pool, labels, seed)
    target = sets.batches(labeled, min(size, len(labeled)), seed=seed)
    at_source = source_batches(source, held_out, size, seed)
    model = copy.deepcopy(pretrain(seed, source, depth, pretrained, size, held_out))
    with seeded(seed + 1):
        model.draw(1 + keep)
    return Task(
        model,
        losses,
        lambda number: (*target(number), *at_source(number)),
        evaluate=lambda model: evaluate(model, held, shifted),
        picture=lambda model: classification.picture(model, held),
        weights={"task": 1.0, "source": 1.0},
    )


def of_classes(images: Images, classes: str) -> Images:
    """Five of the ten digits, with the labels 0 … 4."""
    chosen = CLASSES[classes]
    some = images.part((images.labels >= chosen[0]) & (images.labels <= chosen[-1]))
    return Images(some.images, some.labels - chosen[0], tuple(images.classes[c] for c in chosen))


def source_batches(source: str, held_out: str, size: int, seed: int) -> sets.Batches:
    """The source's batches: other images in them than in the target's, where both have the same classes."""
    return sets.batches(of_classes(train_and_held_out("cluttered", held_out)[0], source), size, seed=seed + 1)


@lru_cache(maxsize=2)
def pretrain(seed: int, source: str, depth: int, steps: int, size: int, held_out: str) -> Stack:
    """A network after `steps` joint steps on the source alone. Callers share it: copy it before it is trained."""
    with seeded(seed):
        model = Stack(depth)
    model.to(memory_format=torch.channels_last)
    task = Task(
        model,
        lambda model, batch: {"source": F.cross_entropy(model.source_head(model.features(batch[0])), batch[1])},
        source_batches(source, held_out, size, seed),
    )
    run = train(task, plans.joint(steps) if steps else (), optimizer=make_optimizer(model, lr=PRETRAINING_LR))
    for _ in tqdm(run, f"pretraining on {source}", steps, leave=False, delay=1):
        pass
    return model


def losses(model: Stack, batch: tuple[Tensor, Tensor, Tensor, Tensor]) -> dict[str, Loss]:
    """The two losses on (inputs, labels, source inputs, source labels)."""
    check_parts(batch, "inputs", "labels", "source inputs", "source labels")
    inputs, labels, source_inputs, source_labels = batch
    check_labeled(inputs, labels, model.classifier.out_features)
    check_labeled(source_inputs, source_labels, model.source_head.out_features, "source ")
    return {
        "task": lambda: F.cross_entropy(model(inputs), labels),
        "source": lambda: F.cross_entropy(model.source_head(model.features(source_inputs)), source_labels),
    }


def evaluate(model: nn.Module, held: Images, shifted: dict[str, Tensor]) -> dict[str, float]:
    """Held-out accuracy in percent, and that on the same digits under each shift."""
    metrics = classification.evaluate(model, held.images, held.labels)
    for name, images in shifted.items():
        metrics[f"accuracy {name} (%)"] = classification.evaluate(model, images, held.labels)["accuracy (%)"]
    return metrics
