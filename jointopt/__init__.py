"""jointopt: joint optimization and end-to-end training in computer vision, to look into and to steer while it runs."""

from importlib import import_module

from jointopt import plans, schedules, tasks
from jointopt.controls import Controls
from jointopt.data import get_batch_data
from jointopt.models import Classifier, EndToEndModel, FeatureExtractor
from jointopt.modules import module_names
from jointopt.objective import l2
from jointopt.optimizers import make_optimizer
from jointopt.system import keep_freed_memory
from jointopt.training import Step, Task, Update, train

keep_freed_memory()


def __getattr__(name: str):
    """Imported when first used: they need matplotlib, widgets and scikit-learn."""
    if name in ("figures", "live", "compare"):
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
    "l2",
    "make_optimizer",
    "module_names",
    "plans",
    "schedules",
    "tasks",
    "train",
]
