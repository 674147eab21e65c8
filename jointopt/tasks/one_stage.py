"""Detection in one stage (document §5.2): torchvision's FCOS on the backbone and the data of the task "detection".

Every place of the feature map says a class, a box, and how near to the middle of an object it lies. There are no
proposals, so that nothing is cut out of the graph between the losses and the backbone: training is end to end.

Source: Tian, Shen, Chen and He, FCOS: Fully Convolutional One-Stage Object Detection, ICCV 2019, §3.
"""

from collections.abc import Sequence

from torch import nn

from jointopt.system import seeded
from jointopt.tasks import detection
from jointopt.tasks.detection import SIDE, Batch
from jointopt.training import Loss, Task

LOSSES = ("classification", "bbox_regression", "bbox_ctrness")  # as torchvision's head names them
STRIDE = 8  # pixels of the image to one of the features; a box is predicted in these units
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
    """Find the objects in `scenes` images of 96×96 pixels, `size` in a batch: what `detection.read` gives for these.

    Modules: "backbone" (features; from one seed the weights of that of "detection") and "head".
    Losses, each divided by the number of places that lie in the middle of an object (§3.1 and 3.2 of the paper):
    "classification", a focal loss in nats, summed over all places; "bbox_regression", 1 - GIoU, and "bbox_ctrness", a
    cross-entropy in nats, over those in the middle of an object. Every λ is 1, as in the paper.
    """
    train, held = detection.read(seed, classes, scenes, held_out, held_out_scenes, data)
    with seeded(seed):
        model = detector(len(train.classes))
    return Task(
        model,
        losses,
        detection.batches(train, size, seed),
        evaluate=lambda model: detection.evaluate(model, held),
        picture=lambda model: detection.picture(model, held, SURE),
        weights=dict.fromkeys(LOSSES, 1.0),
    )


def detector(classes: int) -> nn.Module:
    """torchvision's FCOS for so many classes, with labels from 1: it too keeps class 0 for the background.

    In train mode (images, targets) → {"classification": …, …}; in eval mode images → [{"boxes", "labels", "scores"}].
    A score is the square root of the class's probability times the centerness.
    """
    from torchvision.models.detection import FCOS  # here: it takes 2.5 s and 160 MB
    from torchvision.models.detection.fcos import FCOSHead
    from torchvision.models.detection.rpn import AnchorGenerator

    backbone = detection.make_backbone()
    return FCOS(
        backbone,
        num_classes=classes + 1,
        min_size=SIDE,
        max_size=2 * SIDE,
        image_mean=[0.5] * 3,
        image_std=[0.25] * 3,
        anchor_generator=AnchorGenerator(sizes=((STRIDE,),), aspect_ratios=((1.0,),)),  # one a place, of its size
        head=FCOSHead(backbone.out_channels, 1, classes + 1, num_convs=1),
        nms_thresh=0.5,
        topk_candidates=200,
        detections_per_img=20,
    )


def losses(model: nn.Module, batch: Batch) -> dict[str, Loss]:
    """The three losses: what model(images, targets) answers for a batch as `detection.losses` takes it."""
    if not model.training:
        raise ValueError("the detector has losses in train mode only: call model.train()")
    detection.check_batch(batch, classes=model.head.classification_head.num_classes - 1)
    return model(list(batch[0]), list(batch[1]))
