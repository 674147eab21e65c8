# Chapter 3: answers in place of the stubs, and the words that they must get.

# %% 3.5 solution
from math import e, log


def floor(classes):
    return -log(e / (e + classes - 1))


# %% 3.5 wrong: of scores without bounds -> 0 is the floor for scores without bounds
def floor(classes):
    return 0.0


# %% 3.5 wrong: of a guess -> that is a guess
from math import log


def floor(classes):
    return log(classes)


# %% 3.5 wrong: for ten classes only -> for 2 classes yours is 1.4612; the true floor is lower
def floor(classes):
    return 1.4612


# %% 3.5 wrong: without the minus -> a cross-entropy is never negative
from math import e, log


def floor(classes):
    return log(e / (e + classes - 1))


# %% 3.5 wrong: one class too many -> the true floor is lower
from math import e, log


def floor(classes):
    return log((e + classes) / e)


# %% 3.5 wrong: a number -> a function of (classes) is asked for
floor = 1.4612


# %% 3.6 solution
def reg(model):
    return 0.5 * sum(p.square().sum() for name, p in model.named_parameters() if not name.endswith("bias"))


# %% 3.6 wrong: of all parameters -> the biases are still in it
from jointopt import l2


def reg(model):
    return l2(model)


# %% 3.6 wrong: compares the whole name -> the biases are still in it
def reg(model):
    return 0.5 * sum(p.square().sum() for name, p in model.named_parameters() if name != "bias")


# %% 3.6 wrong: without the half -> the factor ½ is missing
def reg(model):
    return sum(p.square().sum() for p in model.parameters() if p.ndim > 1)


# %% 3.6 wrong: mean, not sum -> yours is 0.00
def reg(model):
    return 0.5 * sum(p.square().mean() for p in model.parameters() if p.ndim > 1)


# %% 3.6 wrong: as a float -> a tensor is asked for
def reg(model):
    return 0.5 * sum(p.square().sum().item() for p in model.parameters() if p.ndim > 1)


# %% 3.6 wrong: of detached weights -> no gradient comes out of it
def reg(model):
    return 0.5 * sum(p.data.square().sum() for p in model.parameters() if p.ndim > 1)


# %% 3.7 solution
from torch.nn import functional as F

from jointopt import EndToEndModel


class AnySize(EndToEndModel):
    def forward(self, x):
        features = self.feature_extractor(x)
        return self.classifier(F.adaptive_avg_pool2d(features, 7))


def any_size(num_classes):
    return AnySize(num_classes)


# %% 3.7 wrong: the model as it is -> images of 32×32 are refused
from jointopt import EndToEndModel


def any_size(num_classes):
    return EndToEndModel(num_classes)


# %% 3.7 wrong: one position -> for 'classifier.fc1.weight' they have the shape (128, 3136) and yours (128, 64)
from torch import nn

from jointopt import EndToEndModel


class AnySize(EndToEndModel):
    def __init__(self, num_classes):
        super().__init__(num_classes)
        self.classifier.fc1 = nn.Linear(64, 128)

    def forward(self, x):
        return self.classifier(self.feature_extractor(x).mean((2, 3)))


def any_size(num_classes):
    return AnySize(num_classes)


# %% 3.7 wrong: other names -> nothing named 'feature_extractor.conv1.weight'
from torch import nn

from jointopt import EndToEndModel


def any_size(num_classes):
    model = EndToEndModel(num_classes)
    return nn.Sequential(model.feature_extractor, nn.AdaptiveAvgPool2d(7), model.classifier)


# %% 3.7 wrong: a lazy layer -> 'classifier.fc1.weight' has no shape before a first image
from torch import nn

from jointopt import EndToEndModel


def any_size(num_classes):
    model = EndToEndModel(num_classes)
    model.classifier.fc1 = nn.LazyLinear(128)
    return model


# %% 3.7 wrong: cuts the features -> images of 20×20 are refused
from jointopt import EndToEndModel


def any_size(num_classes):
    model = EndToEndModel(num_classes)
    model.feature_extractor.register_forward_hook(lambda module, images, features: features[:, :, :7, :7])
    return model


# %% 3.7 wrong: cuts or fills up -> it is cut off
from torch.nn import functional as F

from jointopt import EndToEndModel


class AnySize(EndToEndModel):
    def forward(self, x):
        height, width = x.shape[2:]
        return super().forward(F.pad(x, (0, 28 - width, 0, 28 - height)))


def any_size(num_classes):
    return AnySize(num_classes)


# %% 3.7 wrong: ten classes, whatever is asked for -> they have the shape (3, 128) and yours (10, 128)
from torch.nn import functional as F

from jointopt import EndToEndModel


class AnySize(EndToEndModel):
    def forward(self, x):
        return self.classifier(F.adaptive_avg_pool2d(self.feature_extractor(x), 7))


def any_size(num_classes):
    return AnySize(10)


# %% 3.8 solution
def move(w, lam, lr, quiet):
    g, t = lam * w, quiet + 1
    m = 0.1 * g / (1 - 0.9**t)
    v = 0.001 * g**2 / (1 - 0.999**t)
    return -lr * m / (v**0.5 + 1e-8)


# %% 3.8 wrong: a step of SGD -> that is SGD's step
def move(w, lam, lr, quiet):
    return -lr * lam * w


# %% 3.8 wrong: the sign -> away from 0
def move(w, lam, lr, quiet):
    g, t = lam * w, quiet + 1
    return lr * 0.1 * g / (1 - 0.9**t) / ((0.001 * g**2 / (1 - 0.999**t)) ** 0.5 + 1e-8)


# %% 3.8 wrong: quiet steps that do not count -> too far: count the quiet steps in both corrections
def move(w, lam, lr, quiet):
    return -lr if w > 0 else lr


# %% 3.8 wrong: no correction -> Adam corrects its running means for their start at 0
def move(w, lam, lr, quiet):
    g = lam * w
    return -lr * 0.1 * g / ((0.001 * g**2) ** 0.5 + 1e-8)


# %% 3.8 wrong: where it ends -> that is where the weight is then
def move(w, lam, lr, quiet):
    g, t = lam * w, quiet + 1
    return w - lr * 0.1 * g / (1 - 0.9**t) / ((0.001 * g**2 / (1 - 0.999**t)) ** 0.5 + 1e-8)


# %% 3.9 solution
def stop(losses, patience):
    kept = 0
    for check, loss in enumerate(losses):
        if loss < losses[kept]:
            kept = check
        if check - kept == patience:
            break
    return check, kept


# %% 3.9 wrong: the lowest of all -> keeps check 5, which training never reaches
def stop(losses, patience):
    lowest, since = losses[0], 0
    for check, loss in enumerate(losses):
        lowest, since = (loss, 0) if loss < lowest else (lowest, since + (check > 0))
        if since == patience:
            break
    return check, losses.index(min(losses))


# %% 3.9 wrong: against the loss before -> stops after check 5: too late
def stop(losses, patience):
    kept = rising = 0
    for check in range(1, len(losses)):
        rising = rising + 1 if losses[check] >= losses[check - 1] else 0
        kept = check if losses[check] < losses[kept] else kept
        if rising == patience:
            break
    return check, kept


# %% 3.9 wrong: one check too many -> too late
def stop(losses, patience):
    kept = 0
    for check, loss in enumerate(losses):
        if loss < losses[kept]:
            kept = check
        if check - kept > patience:
            break
    return check, kept


# %% 3.9 wrong: the last weights -> it is not the first with the lowest loss
def stop(losses, patience):
    kept = 0
    for check, loss in enumerate(losses):
        if loss < losses[kept]:
            kept = check
        if check - kept == patience:
            break
    return check, check


# %% 3.9 wrong: one number -> a pair of numbers is asked for
def stop(losses, patience):
    return losses.index(min(losses))


# %% 3.10 solution
import torch


def accuracy(model, images, labels):
    modes = {module: module.training for module in model.modules()}
    model.eval()
    with torch.no_grad():
        predicted = torch.cat([model(part).argmax(1) for part in images.split(100)])
    for module, mode in modes.items():
        module.training = mode
    return 100 * (predicted == labels).float().mean().item()


# %% 3.10 wrong: without eval -> it reads at random
import torch


def accuracy(model, images, labels):
    with torch.no_grad():
        predicted = torch.cat([model(part).argmax(1) for part in images.split(100)])
    return 100 * (predicted == labels).float().mean().item()


# %% 3.10 wrong: train for all -> the feature extractor was in eval mode on purpose
import torch


def accuracy(model, images, labels):
    model.eval()
    with torch.no_grad():
        predicted = torch.cat([model(part).argmax(1) for part in images.split(100)])
    model.train()
    return 100 * (predicted == labels).float().mean().item()


# %% 3.10 wrong: the mode of the model for all -> the feature extractor was in eval mode on purpose
import torch


def accuracy(model, images, labels):
    mode = model.training
    model.eval()
    with torch.no_grad():
        predicted = torch.cat([model(part).argmax(1) for part in images.split(100)])
    model.train(mode)
    return 100 * (predicted == labels).float().mean().item()


# %% 3.10 wrong: a mean of the parts' means -> reads 70 % of our images correctly, and yours says 75 %
def accuracy(model, images, labels):
    modes = {module: module.training for module in model.modules()}
    model.eval()
    right = [
        (model(x).argmax(1) == y).float().mean() for x, y in zip(images.split(100), labels.split(100), strict=True)
    ]
    for module, mode in modes.items():
        module.training = mode
    return 100 * sum(right).item() / len(right)


# %% 3.11 solution
def step_in_parts(model, optimizer, parts, loss_of):
    optimizer.zero_grad()
    for part in parts:
        (loss_of(model, part) / len(parts)).backward()
    optimizer.step()


# %% 3.11 wrong: a sum -> the step is 4 times as long
def step_in_parts(model, optimizer, parts, loss_of):
    optimizer.zero_grad()
    for part in parts:
        loss_of(model, part).backward()
    optimizer.step()


# %% 3.11 wrong: four parts, always -> with 2 parts the step is 0.5 times as long
def step_in_parts(model, optimizer, parts, loss_of):
    optimizer.zero_grad()
    for part in parts:
        (loss_of(model, part) / 4).backward()
    optimizer.step()


# %% 3.11 wrong: never cleared -> what the first one left is still there
def step_in_parts(model, optimizer, parts, loss_of):
    for part in parts:
        (loss_of(model, part) / len(parts)).backward()
    optimizer.step()


# %% 3.11 wrong: a step for each part -> the optimizer takes 4 steps
def step_in_parts(model, optimizer, parts, loss_of):
    for part in parts:
        optimizer.zero_grad()
        (loss_of(model, part) / len(parts)).backward()
        optimizer.step()


# %% 3.11 wrong: cleared before the step -> no gradient is there
def step_in_parts(model, optimizer, parts, loss_of):
    for part in parts:
        (loss_of(model, part) / len(parts)).backward()
    optimizer.zero_grad()
    optimizer.step()
