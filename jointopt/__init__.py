"""jointopt: joint optimization and end-to-end training in computer vision, to look into and to steer while it runs."""

from jointopt import plans, tasks
from jointopt.controls import Controls
from jointopt.data import get_batch_data
from jointopt.models import Classifier, EndToEndModel, FeatureExtractor
from jointopt.training import Step, Task, Update, train

__all__ = [
    "Classifier",
    "Controls",
    "EndToEndModel",
    "FeatureExtractor",
    "Step",
    "Task",
    "Update",
    "get_batch_data",
    "plans",
    "tasks",
    "train",
]
