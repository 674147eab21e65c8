"""Two detectors of torchvision's on one small backbone: Faster R-CNN with two stages, FCOS with one.

Sources: Ren, He, Girshick and Sun, NeurIPS 2015; Tian, Shen, Chen and He, ICCV 2019.
torchvision.models is imported where it is used: it takes 2.5 s and 160 MB.
"""

from collections.abc import Sequence

from torch import nn

STRIDE = 8  # pixels of the image per cell of the features
POOLED, SAMPLES = 5, 1  # a proposal is read at 5×5 cells, each at one point: some 60 % of the time of 7×7 at 2×2
# An image of another size is scaled until its shorter side has 96 pixels.
IMAGES = {"min_size": 96, "max_size": 192, "image_mean": [0.5] * 3, "image_std": [0.25] * 3}


def make_backbone() -> nn.Sequential:
    """images (B, 3, H, W) → features (B, 64, H/8, W/8). GroupNorm, since batches are small."""
    layers, before = [], 3
    for channels in (16, 32, 64):
        layers += [nn.Conv2d(before, channels, 3, 2, 1, bias=False), nn.GroupNorm(8, channels), nn.ReLU()]
        before = channels
    backbone = nn.Sequential(*layers)
    backbone.out_channels = before  # torchvision asks for it
    return backbone


def two_stage(classes: int, anchors: Sequence[int] = (22, 32)) -> nn.Module:
    """torchvision's FasterRCNN for these classes and the background, which is class 0. anchors: widths in pixels.

    In train mode (images, targets) → {"loss_objectness": …, …}; in eval mode images → [{"boxes", "labels", "scores"}].
    """
    from torchvision.models.detection import FasterRCNN
    from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
    from torchvision.models.detection.rpn import AnchorGenerator
    from torchvision.ops import MultiScaleRoIAlign

    backbone = make_backbone()
    return FasterRCNN(
        backbone,
        **IMAGES,
        rpn_anchor_generator=AnchorGenerator(sizes=(tuple(anchors),), aspect_ratios=((1.0, 1.7),)),  # height over width
        rpn_pre_nms_top_n_train=200,
        rpn_pre_nms_top_n_test=200,
        rpn_post_nms_top_n_train=40,
        rpn_post_nms_top_n_test=40,
        rpn_batch_size_per_image=64,
        box_roi_pool=MultiScaleRoIAlign(["0"], output_size=POOLED, sampling_ratio=SAMPLES),
        box_head=TwoMLPHead(backbone.out_channels * POOLED**2, 128),
        box_predictor=FastRCNNPredictor(128, classes + 1),
        box_batch_size_per_image=32,
        box_detections_per_img=20,
    )


def one_stage(classes: int) -> nn.Module:
    """torchvision's FCOS for these classes, with labels from 1: it too keeps class 0 for the background.

    In train mode (images, targets) → {"classification": …, …}; in eval mode images → [{"boxes", "labels", "scores"}].
    A score is the square root of the class's probability times the centerness.
    """
    from torchvision.models.detection import FCOS
    from torchvision.models.detection.fcos import FCOSHead
    from torchvision.models.detection.rpn import AnchorGenerator

    backbone = make_backbone()
    return FCOS(
        backbone,
        num_classes=classes + 1,
        **IMAGES,
        anchor_generator=AnchorGenerator(sizes=((STRIDE,),), aspect_ratios=((1.0,),)),  # one per cell, of its size
        head=FCOSHead(backbone.out_channels, 1, classes + 1, num_convs=1),
        nms_thresh=0.5,
        topk_candidates=200,
        detections_per_img=20,
    )
