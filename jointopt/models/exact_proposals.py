"""Exact joint training of Faster R-CNN: the gradient through the proposals, which torchvision drops.

model = exact(tasks.load("detection").model)     # the same losses; now all four of them reach model.rpn

It is dropped twice: the region proposal network decodes detached shifts, and `roi_align` has no gradient in the boxes.
Source: Ren et al. 2015, §3.2, "non-approximate joint training"; bilinear sampling with a gradient in the positions:
Jaderberg et al. 2015, §3.3.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class PoolWithGradient(nn.Module):
    """torchvision's MultiScaleRoIAlign of one feature map, with a gradient in the boxes as well.

    side: of the pooled features; each is the mean of samples x samples points.
    """

    def __init__(self, side: int, samples: int):
        super().__init__()
        self.side, self.samples = side, samples

    def forward(
        self, features: dict[str, Tensor], boxes: Sequence[Tensor], image_shapes: Sequence[tuple[int, int]]
    ) -> Tensor:
        """{"0": (B, C, H, W)}, for each image boxes (k, 4) in pixels, and its height and width →
        (all k, C, side, side)."""
        (maps,) = features.values()
        height = max(shape[0] for shape in image_shapes)
        stride = 2 ** round(math.log2(height / maps.shape[2]))  # pixels of the image to one of the features
        size = maps.new_tensor([maps.shape[3] - 1, maps.shape[2] - 1])
        count = self.samples * self.side  # n below: points along a side
        points = (torch.arange(count).to(maps) + 0.5) / count
        pooled = []
        for image, rois in zip(maps, boxes, strict=True):
            x1, y1, x2, y2 = (rois / stride).unbind(dim=1)  # (k,)
            x = x1[:, None] + (x2 - x1).clamp(min=1)[:, None] * points  # (k, n)
            y = y1[:, None] + (y2 - y1).clamp(min=1)[:, None] * points  # (k, n)
            grid = torch.stack(torch.broadcast_tensors(x[:, None, :], y[:, :, None]), dim=-1)  # (k, n, n, 2)
            copies = image.expand(len(rois), -1, -1, -1)  # (k, C, H, W)
            sampled = F.grid_sample(copies, 2 * grid / size - 1, padding_mode="border", align_corners=True)
            # roi_align takes 0 beyond; a box under a stride wide may reach there
            inside = (grid <= size + 1).all(dim=-1)
            pooled.append(F.avg_pool2d(sampled * inside[:, None], self.samples))  # (k, C, side, side)
        return torch.cat(pooled)


def exact(model: nn.Module) -> nn.Module:
    """Changes torchvision's Faster R-CNN, as the task "detection" has it, in place. Its losses keep their values.

    ValueError for another model, or one that was changed before.
    """
    from torchvision.models.detection.rpn import concat_box_prediction_layers
    from torchvision.ops import MultiScaleRoIAlign

    pool = getattr(getattr(model, "roi_heads", None), "box_roi_pool", None)
    if not isinstance(pool, MultiScaleRoIAlign) or len(pool.featmap_names) != 1 or pool.sampling_ratio < 1:
        given = f"{type(model).__name__} with {pool}"
        raise ValueError(
            "exact takes a Faster R-CNN whose box_roi_pool is a MultiScaleRoIAlign of one feature map with a"
            f" sampling_ratio from 1, got {given}"
        )
    kept, decode = {}, model.rpn.box_coder.decode

    def keep(module: nn.Module, inputs: object, output: tuple[list[Tensor], list[Tensor]]) -> None:
        kept["shifts"] = concat_box_prediction_layers(*map(list, output))[1]

    model.rpn.head.register_forward_hook(keep)
    model.rpn.box_coder.decode = lambda detached, anchors: decode(kept["shifts"], anchors)
    model.roi_heads.box_roi_pool = PoolWithGradient(pool.output_size[0], pool.sampling_ratio)
    return model
