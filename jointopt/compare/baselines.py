"""The classical stage-wise pipeline: hand-made features, then a linear classifier. No gradient reaches the features.

Source of the features: Dalal and Triggs, CVPR 2005; they and the classifier are scikit-image's and scikit-learn's.
"""

from collections.abc import Callable
from functools import lru_cache, partial

import numpy as np
from skimage.feature import hog
from sklearn.linear_model import LogisticRegression

from jointopt.tasks.classification import choose, train_and_held_out


def hog_logistic(
    data: str = "cluttered", labels: int = 400, held_out: str = "test", cell: int = 7, C: float = 1.0
) -> Callable[[int], dict[str, float]]:
    """Histograms of oriented gradients and logistic regression, as an arm of `jointopt.compare.compare`.

    It answers `hog_accuracy` with these options, a function of the seed. cell: side of a cell in pixels, at most 14.
    C > 0: the inverse of the weight of the L2 penalty. The arm raises ValueError where an option cannot be.
    """
    return partial(hog_accuracy, data=data, labels=labels, held_out=held_out, cell=cell, C=C)


def hog_accuracy(seed: int, *, data: str, labels: int, held_out: str, cell: int, C: float) -> dict[str, float]:
    """Held-out accuracy after training on the labeled images which the task "pretext" draws from this seed."""
    pool, held = train_and_held_out(data, held_out)
    chosen = choose(pool, labels, seed)
    model = LogisticRegression(C=C, max_iter=2000).fit(hog_features(chosen.images.numpy(), cell), chosen.labels)
    return {"accuracy (%)": 100 * float(model.score(held_features(data, held_out, cell), held.labels))}


@lru_cache(maxsize=4)
def held_features(data: str, held_out: str, cell: int) -> np.ndarray:
    """Of the held-out images, which are the same for every seed."""
    return hog_features(train_and_held_out(data, held_out)[1].images.numpy(), cell)


def hog_features(images: np.ndarray, cell: int) -> np.ndarray:
    """Histograms of 9 directions in cells of cell × cell pixels, normalized in blocks of 2×2: (N, 3, H, W) → (N, D)."""
    shape = dict(orientations=9, pixels_per_cell=(cell, cell), cells_per_block=(2, 2))
    return np.stack([hog(image, channel_axis=0, **shape) for image in images])
