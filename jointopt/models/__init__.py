"""Networks: nn.Modules alone, without data and without losses. The document's own stand here by name."""

from jointopt.models.classifiers import head, standardize
from jointopt.models.document import Classifier, EndToEndModel, FeatureExtractor

__all__ = ["Classifier", "EndToEndModel", "FeatureExtractor", "head", "standardize"]
