"""Detection in one stage (document §5.2): torchvision's FCOS on the backbone and the data of the task "detection".

Each location of the feature map predicts a class, a box, and its centerness: how near to the middle of an object it
lies. There are no proposals, so that nothing is cut out of the graph between the losses and the backbone: training is
end to end.

Source: Tian, Shen, Chen and He, FCOS: Fully Convolutional One-Stage Object Detection, ICCV 2019, §3.
"""

from collections.abc import Sequence

from torch import nn

from jointopt.data.scenes.held_out import read
from jointopt.models import detectors
from jointopt.system import seeded
from jointopt.tasks import detection
from jointopt.tasks.detection import Batch
from jointopt.training import Loss, Task

LOSSES = ("classification", "bbox_regression", "bbox_ctrness")  # as torchvision's head names them
SURE = 0.5  # the score from which the picture shows a box


def make(
    seed: int = 0,
    classes: str | Sequence[str] | None = None,
    scenes: int = 600,
    size: int = 4,
    held_out: str = "test",
    held_out_scenes: int = 100,
    data: str = "scenes",
) -> Task:
    """Find the objects in `scenes` images of 96×96 pixels, `size` in a batch: those of `read` for these options.

    Modules: "backbone" (features; from one seed the weights of that of "detection") and "head".
    Losses, each divided by the number of locations in the middle of an object (§3.1 and 3.2 of the paper):
    "classification", a focal loss in nats, summed over all locations; "bbox_regression", 1 - GIoU, and "bbox_ctrness",
    a cross-entropy in nats, over those in the middle of an object. Every λ is 1, as in the paper.
    """
    train, held = read(data, seed, classes, scenes, held_out, held_out_scenes)
    with seeded(seed):
        model = detectors.one_stage(len(train.classes))
    return Task(
        model,
        losses,
        detection.batches(train, size, seed),
        evaluate=lambda model: detection.evaluate(model, held),
        picture=lambda model: detection.picture(model, held, SURE),
        weights=dict.fromkeys(LOSSES, 1.0),
    )


def losses(model: nn.Module, batch: Batch) -> dict[str, Loss]:
    """The three losses: what model(images, targets) answers for a batch as `detection.losses` takes it."""
    if not model.training:
        raise ValueError("the detector has losses in train mode only: call model.train()")
    detection.check_batch(batch, classes=model.head.classification_head.num_classes - 1)
    return model(list(batch[0]), list(batch[1]))
