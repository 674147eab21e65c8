"""The networks of chapter 5 agree with torchvision's; which labels and images a task has."""

import copy
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from jointopt import Update, plans, tasks, train
from jointopt.models import classifiers, shipped
from jointopt.modules import module_names
from jointopt.tasks import classification

load = partial(tasks.load, "classification", data="cluttered", size=16)
NETWORKS = classifiers.NETWORKS
FEATURES = {"document": (64, 7, 7), "resnet": (64, 4, 4), "vgg": (64, 3, 3)}


# The networks


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("first", [None, "clothes"])
def test_every_network_is_a_feature_extractor_and_a_classifier_and_learns(network, first):
    task = load(network=network, weights=first)
    assert module_names(task.model) == ["feature_extractor", "classifier"]
    inputs, labels = task.batches(0)
    features = task.model.feature_extractor(inputs)
    assert features.shape == (16, *FEATURES[network]) and task.model(inputs).shape == (16, 10)
    steps = list(
        train(replace(task, batches=lambda n: (inputs, labels)), plans.joint(25))
    )  # one batch, again and again
    assert steps[-1].losses["task"] < 0.7 * steps[0].losses["task"]
    assert all(change > 0 for step in steps for change in step.change.values())


def test_the_vgg_is_torchvisions_cut_after_three_stages_at_a_quarter_of_the_width():
    from torchvision.models.vgg import cfgs, make_layers

    quarter = [c if c == "M" else c // 4 for c in cfgs["A"]][: len(classifiers.VGG)]
    ours = classifiers.vgg()
    assert list(classifiers.VGG) == quarter and repr(ours) == repr(make_layers(quarter))
    for layer in (layer for layer in ours if isinstance(layer, nn.Conv2d)):  # He et al. 2015, fan out
        assert layer.weight.std().item() == pytest.approx((2 / (9 * layer.out_channels)) ** 0.5, rel=0.15)
        assert not layer.bias.any()


def test_the_resnet_has_torchvisions_blocks_names_and_first_weights():
    from torchvision.models import ResNet
    from torchvision.models.resnet import BasicBlock

    class Narrow(ResNet):
        """torchvision's, with a quarter of the channels in each stage, and our stem."""

        def _make_layer(self, block, planes, blocks, stride=1, dilate=False):
            self.inplanes = 16 if planes == 64 else self.inplanes
            return super()._make_layer(block, planes // 4, blocks, stride, dilate)

    theirs = Narrow(BasicBlock, [1, 1, 1, 1])
    theirs.conv1, theirs.bn1, theirs.maxpool = (
        nn.Conv2d(3, 16, 3, 1, 1, bias=False),
        nn.BatchNorm2d(16),
        nn.MaxPool2d(2),
    )
    ours = classifiers.resnet()
    names = ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3")
    assert list(dict(ours.named_children())) == list(names)
    for name in names:  # a stage of torchvision's is a Sequential of blocks, ours is the block
        its = getattr(theirs, name)
        (its[0] if name.startswith("layer") else its).load_state_dict(getattr(ours, name).state_dict())
    x = torch.rand(5, 3, 28, 28)
    expected = x
    for name in names:
        expected = getattr(theirs, name)(expected)
    assert torch.equal(ours(x), expected)
    spread = ours.layer3.conv2.weight.std().item()  # He et al. 2015, fan out: √(2 / (9 · 64))
    assert spread == pytest.approx((2 / (9 * 64)) ** 0.5, rel=0.02)


def test_a_deeper_name_can_be_frozen(state):
    task = load(network="resnet")
    frozen = task.model.feature_extractor.layer1
    before, rest = state(frozen), state(task.model.feature_extractor.layer2)
    moving = Update([*(f"feature_extractor.layer{n}" for n in (2, 3)), "classifier"])
    list(train(task, plans.alternating(moving, steps=3)))
    assert state.same(before, state(frozen)) and not state.same(rest, state(task.model.feature_extractor.layer2))


def test_a_frozen_pretrained_resnet_keeps_its_statistics_and_by_hand_it_does_not(state):
    task = load(network="resnet", weights="clothes")
    features = task.model.feature_extractor
    before = state(features)
    list(train(task, plans.alternating(Update("classifier"), steps=3)))
    assert state.same(before, state(features))
    task.model.requires_grad_(False).train()  # the trap of chapter 5
    task.model(task.batches(0)[0])
    moved = {name.rpartition(".")[2] for name, value in features.state_dict().items() if not value.equal(before[name])}
    assert moved and all(
        name.rpartition(".")[2] in ("running_mean", "running_var", "num_batches_tracked") for name in moved
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"network": "alexnet"}, "'document', 'resnet', 'vgg', 'efficientnet_lite0', got 'alexnet'"),
        ({"weights": "coco"}, "weights must be one of None, 'clothes', 'torchvision', 'imagenet', got 'coco'"),
        ({"weights": "torchvision"}, "torchvision has no weights for the document's network"),
        ({"labels": 401}, "from 1 to 400, got 401"),
        ({"labels": 301, "held_out": "validation"}, "from 1 to 300, got 301"),
        ({"labels": 2.0}, r"from 1 to 400, got 2\.0"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        load(**options)


@pytest.mark.parametrize("classes", [1, 0, True, 2.0, None])
def test_a_number_of_classes_that_is_none(classes):
    with pytest.raises(ValueError, match="classes must be a whole number ≥ 2, got"):
        classifiers.build("vgg", classes)


@pytest.mark.parametrize("network", NETWORKS)
def test_images_of_another_size_are_refused_and_a_batch_of_one_is_fine(network):
    task = load(network=network, weights="clothes")
    with pytest.raises(ValueError, match=r"inputs must be float \(B, 3, 28, 28\), got .*\(4, 3, 32, 32\)"):
        next(train(replace(task, batches=lambda n: (torch.rand(4, 3, 32, 32), torch.zeros(4).long())), plans.joint(1)))
    (step,) = train(replace(task, batches=lambda n: tuple(part[:1] for part in task.batches(n))), plans.joint(1))
    assert step.total > 0 and all(np.isfinite(change) for change in step.change.values())


# The shipped weights


def test_pretrained_and_random_networks_of_a_seed_differ_in_the_features_alone():
    for network in NETWORKS:
        random, first, other = (
            load(seed=seed, network=network, weights=w) for seed, w in ((1, None), (1, "clothes"), (2, "clothes"))
        )
        assert_same(random.model.classifier.state_dict(), first.model.classifier.state_dict())
        assert_same(first.model.feature_extractor.state_dict(), other.model.feature_extractor.state_dict())
        its = random.model.feature_extractor.state_dict()
        assert not all(torch.equal(its[name], value) for name, value in shipped.load(network).items())
        kept = shipped.load(network)
        assert_same({name: first.model.feature_extractor.state_dict()[name] for name in kept}, kept)
        assert not [name for name in its if name not in kept and not name.endswith("num_batches_tracked")]


# torchvision's own weights


@pytest.fixture
def fetched(monkeypatch):
    """A network of torchvision's with random weights in the place of the fetched ones."""
    from torchvision import models

    torch.manual_seed(0)
    resnet = models.resnet18()
    layers = models.vgg.make_layers(models.vgg.cfgs["A"])
    states = {"resnet": resnet.state_dict(), "vgg": {f"features.{name}": v for name, v in layers.state_dict().items()}}
    states["vgg"]["classifier.0.weight"] = torch.zeros(1)
    asked = []

    def get(entry, **options):
        asked.append(options)
        return states["resnet" if isinstance(entry, models.ResNet18_Weights) else "vgg"]

    for kind in (models.ResNet18_Weights, models.VGG11_Weights):
        monkeypatch.setattr(kind, "get_state_dict", get)
    return resnet, layers, asked


def test_the_full_resnet_gives_torchvisions_own_features(fetched):
    from torchvision.transforms import functional as transform

    resnet, _, asked = fetched
    model = load(network="resnet", weights="torchvision", size=2).model.eval()
    assert asked == [{"progress": False, "check_hash": True, "weights_only": True}]
    x = torch.rand(2, 3, 28, 28)
    mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]  # ImageNet's, in torchvision's documentation
    prepared = transform.normalize(transform.resize(x, [64, 64], antialias=True), mean, std)
    resnet = copy.deepcopy(resnet).eval()
    resnet.fc = nn.Identity()
    with torch.no_grad():
        features = model.feature_extractor(x)
        assert features.shape == (2, 512, 2, 2)
        assert torch.allclose(features.mean((2, 3)), resnet(prepared), atol=1e-5)
        assert model(x).shape == (2, 10)


def test_the_full_vgg_gives_torchvisions_own_features(fetched):
    _, layers, _ = fetched
    model = classifiers.build("vgg", 5, "torchvision").eval()
    x = torch.rand(2, 3, 28, 28)
    extractor = model.feature_extractor
    with torch.no_grad():
        assert torch.equal(extractor(x), layers.eval()(extractor.normalize(extractor.enlarge(x))))
        assert model(x).shape == (2, 5)


@pytest.mark.parametrize("network", ["resnet", "vgg"])
def test_without_a_network_the_error_says_what_to_do(network, monkeypatch, tmp_path):
    from torchvision.models import ResNet18_Weights, VGG11_Weights

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    for kind in (ResNet18_Weights, VGG11_Weights):
        monkeypatch.setattr(kind, "url", "http://127.0.0.1:9/weights-01234567.pth")  # nobody listens there
    with pytest.raises(
        OSError, match=r"could not be fetched from http://127.*Without a network, weights='clothes' ships"
    ):
        load(network=network, weights="torchvision")


def test_predict_gives_the_probabilities_of_eval_mode_and_leaves_no_trace(state):
    task = load(network="resnet", weights="clothes")
    before, random = state(task.model), torch.random.get_rng_state()
    inputs = task.batches(0)[0]
    found = classification.predict(task.model, inputs)
    assert (
        task.model.training
        and state.same(before, state(task.model))
        and torch.equal(random, torch.random.get_rng_state())
    )
    assert torch.allclose(found, F.softmax(task.model.eval()(inputs), 1))


def assert_same(a, b):
    assert a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
