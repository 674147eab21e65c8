"""Learned features against features by hand: HOG and a logistic regression."""

import numpy as np
import pytest

from jointopt import data
from jointopt.compare.baselines import hog_features, hog_logistic


def test_hog_sees_edges_and_not_brightness():
    images = data.load("cluttered").images[:3].numpy()
    features = hog_features(images, 7)
    assert features.shape == (3, 3 * 3 * 4 * 9)
    assert np.allclose(hog_features(0.5 * images, 7), features, atol=1e-3)


def test_the_baseline_trains_on_the_images_of_the_task():
    few, many = hog_logistic(labels=5), hog_logistic(labels=100)
    assert few(0) == few(0) and few(0) != few(1)
    assert 20 < few(0)["accuracy (%)"] < many(0)["accuracy (%)"]


def test_the_baseline_says_what_it_is():
    arm = hog_logistic(labels=5, cell=4)
    assert arm.func.__qualname__ == "hog_accuracy"
    assert arm.keywords == {"data": "cluttered", "labels": 5, "held_out": "test", "cell": 4, "C": 1.0}


@pytest.mark.parametrize("options", [{"labels": 401}, {"held_out": "train"}, {"C": 0.0}, {"cell": 15}])
def test_the_baseline_refuses_what_cannot_be(options):
    with pytest.raises(ValueError, match=r"401|train|C|cell|shape"):
        hog_logistic(**({"labels": 5} | options))(0)
