"""jointopt: joint optimization and end-to-end training in computer vision, to look into and to steer while it runs."""

from importlib import import_module

from jointopt import plans, tasks
from jointopt.controls import Controls
from jointopt.data import get_batch_data
from jointopt.memory import keep_freed_memory
from jointopt.models import Classifier, EndToEndModel, FeatureExtractor
from jointopt.training import Step, Task, Update, train

keep_freed_memory()


def __getattr__(name: str):
    """These are imported when first used: the first three need matplotlib and widgets."""
    if name in ("figures", "live", "compare", "records", "budget", "game"):
        return import_module(f"jointopt.{name}")
    raise AttributeError(f"module 'jointopt' has no attribute {name!r}")


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
