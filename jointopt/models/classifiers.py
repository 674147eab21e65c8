"""Networks for 28×28 images: the document's, a narrow VGG, a narrow ResNet; and first weights for their features.

    model = build("resnet", classes=10)                     # children: feature_extractor, classifier
    model = build("resnet", classes=10, weights="clothes")  # features that ship: jointopt.models.shipped
    model = build("efficientnet_lite0", classes=10, weights="imagenet")  # features of a package

The narrow ones have the first three stages of VGG-11 and of ResNet-18, at a quarter of their width; a stage of the
ResNet has one block instead of two. Sources: Simonyan and Zisserman 2015, table 1, A; He et al. 2016, table 1.
torchvision is imported where it is used: it takes 2.5 s and 160 MB.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn

from jointopt.checks import check_choice, check_count
from jointopt.models import efficientnet, shipped
from jointopt.models.document import EndToEndModel

NETWORKS = ("document", "resnet", "vgg")  # of 28×28 images
LITE0 = "efficientnet_lite0"
WEIGHTS = (None, "clothes", "torchvision", "imagenet")
VGG = (16, "M", 32, "M", 64, 64, "M")  # channels of each convolution, and "M" for 2×2 pooling
RESNET = (16, 32, 64)  # channels of each stage
ENLARGED = 64  # pixels: what torchvision's full networks get; each halves its pictures five times


class Pipeline(nn.Module):
    """g_φ(f_θ(x)) of any two modules: images (B, 3, H, W) → features → scores (B, classes)."""

    def __init__(self, feature_extractor: nn.Module, classifier: nn.Module):
        super().__init__()
        self.feature_extractor = feature_extractor
        self.classifier = classifier

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.feature_extractor(x))


def build(network: str = "document", classes: int = 10, weights: str | None = None) -> nn.Module:
    """A network whose children are `feature_extractor` and `classifier`, its first weights drawn by torch's generator.

    network  "document", "resnet" or "vgg"; "efficientnet_lite0" enlarges the images, and its features are those of
             `jointopt.models.efficientnet`
    weights  of the feature extractor. None: random. "clothes": those that ship with the package. The classifier is
             then drawn as it would be with None. "torchvision": the full ResNet-18 or VGG-11 with torchvision's weights
             for ImageNet, fetched where they are not at hand; the images are enlarged and normalized for them.
             "imagenet": the weights of "efficientnet_lite0" for ImageNet, from the package that holds them

    ValueError for another network, weights or number of classes, or weights of another network; OSError for weights
    that cannot be fetched.
    """
    check_choice("network", network, (*NETWORKS, LITE0))
    check_choice("weights", weights, WEIGHTS)
    check_count("classes", classes, 2)
    if network == LITE0 or weights == "imagenet":
        return _lite0(network, classes, weights)
    if weights == "torchvision":
        return _full(network, classes)
    if network == "document":
        model = EndToEndModel(classes)
    elif network == "vgg":
        model = Pipeline(vgg(), vgg_head(classes))
    else:
        model = Pipeline(resnet(), head(classes))
    if weights is not None:
        model.feature_extractor.load_state_dict(shipped.load(network))
    return model


def vgg() -> nn.Sequential:
    """images (B, 3, 28, 28) → features (B, 64, 3, 3). First weights as torchvision's class VGG draws them."""
    from torchvision.models.vgg import make_layers

    features = make_layers(list(VGG))  # 28 → 14 → 7 → 3
    for layer in features:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    return features


def vgg_head(classes: int) -> nn.Sequential:
    """features (B, 64, 3, 3) → scores (B, classes), by two layers, as in the document's Classifier."""
    layers = [nn.Flatten(), nn.Linear(64 * 3 * 3, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, classes)]
    return nn.Sequential(standardize(VGG[-2]), *layers)


def resnet() -> nn.Sequential:
    """images (B, 3, 28, 28) → features (B, 64, 4, 4). First weights as torchvision's class ResNet draws them.

    Its first convolution is 3×3 and has stride 1, as for 32×32 images in He et al. 2016, §4.2.
    """
    from torchvision.models.resnet import BasicBlock

    first = RESNET[0]
    layers = OrderedDict(conv1=nn.Conv2d(3, first, 3, 1, 1, bias=False), bn1=nn.BatchNorm2d(first), relu=nn.ReLU())
    layers["maxpool"] = nn.MaxPool2d(2)  # (B, 16, 14, 14)
    layers["layer1"] = BasicBlock(first, first)
    for number, (before, channels) in enumerate(zip(RESNET, RESNET[1:], strict=False), 2):  # 14 → 7 → 4
        shortcut = nn.Sequential(nn.Conv2d(before, channels, 1, 2, bias=False), nn.BatchNorm2d(channels))
        layers[f"layer{number}"] = BasicBlock(before, channels, 2, shortcut)
    features = nn.Sequential(layers)
    for layer in features.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return features


def head(classes: int, channels: int = RESNET[-1], side: int = 1) -> nn.Sequential:
    """features (B, channels, H, W) → scores (B, classes): the mean over all positions, and one layer, as in ResNet.

    side: with 2 there is a mean for each quarter of the image.
    """
    pooled = [nn.AdaptiveAvgPool2d(side), nn.Flatten(), nn.Linear(channels * side**2, classes)]
    return nn.Sequential(standardize(channels), *pooled)


def standardize(channels: int) -> nn.BatchNorm2d:
    """Each feature channel minus its mean, over its deviation: without that, a head on frozen features learns badly."""
    return nn.BatchNorm2d(channels, affine=False)


def _lite0(network: str, classes: int, weights: str | None) -> Pipeline:
    if network != LITE0 or weights not in (None, "imagenet"):
        raise ValueError(f"{LITE0!r} has weights=None or 'imagenet', and no other network has these, got {network!r}")
    with_weights = efficientnet.network() if weights is None else efficientnet.imagenet()
    return Pipeline(efficientnet.Features(with_weights), head(classes, efficientnet.CHANNELS, side=2))


def _full(network: str, classes: int) -> Pipeline:
    """torchvision's ResNet-18 or VGG-11 with its weights for ImageNet, and a new head: features (B, 512, 2, 2)."""
    from torchvision import models, transforms

    if network == "document":
        raise ValueError("torchvision has no weights for the document's network: network is 'resnet' or 'vgg'")
    entry = (models.ResNet18_Weights if network == "resnet" else models.VGG11_Weights).DEFAULT
    preset = entry.transforms()
    layers = OrderedDict(
        enlarge=transforms.Resize(ENLARGED, antialias=True), normalize=transforms.Normalize(preset.mean, preset.std)
    )
    if network == "resnet":
        whole = models.resnet18()
        whole.load_state_dict(fetch(entry))
        layers.update((name, child) for name, child in whole.named_children() if name not in ("avgpool", "fc"))
    else:  # its classifier of 124 million weights is never made
        layers["features"] = models.vgg.make_layers(models.vgg.cfgs["A"])
        state, prefix = fetch(entry), "features."
        features = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
        layers["features"].load_state_dict(features)
    return Pipeline(nn.Sequential(layers), head(classes, channels=512))


def fetch(entry) -> dict[str, Tensor]:
    """The state of one of torchvision's weights (`ResNet18_Weights.DEFAULT`), from torch's cache or the network.

    OSError if it cannot be had; the file is read with weights_only, so that it can run nothing.
    """
    try:
        return entry.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except Exception as error:  # no network, a wrong hash, a file cut short
        cache = f"{torch.hub.get_dir()}/checkpoints"
        raise OSError(
            f"torchvision's weights {entry} could not be fetched from {entry.url} or read in {cache}: {error!r}."
            " Without a network, weights='clothes' ships with the package"
        ) from error
