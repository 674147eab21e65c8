"""Classification, the closing table of chapter 5: the small VGG with random first weights, digits over clutter.

All 400 labels per class, batches of 32. Its head standardizes the features, so that those that stay as they were drawn
are no straw man (chapter 4, the trap).
"""

from functools import partial

from evidence import closing
from jointopt import Update, tasks

THETA, PHI = Update("feature_extractor"), Update("classifier")
ARMS = closing.Arms(joint=Update(), alternating=(THETA, PHI), staged=(THETA, PHI), frozen=PHI)
SIZE = 300  # updates of each module
SLICE = ("updates", ["frozen"], [10])

parts = closing.parts(partial(tasks.load, "classification", data="cluttered", network="vgg", size=32), ARMS, SIZE)
RULE = closing.claim
