"""The closing table of chapter 6: Faster R-CNN trained jointly, by alternating, in the paper's four steps, and frozen.

Staged is the 4-step alternating training of Ren et al. 2015, §3.2, in one model: proposals, detector on them, and with
the backbone fixed proposals and detector once more. Here the second step goes on with the backbone of the first; the
paper begins it again from a backbone that was pretrained on ImageNet, which we have not.

So many scenes that joint training sees none twice, and a rate that rises and falls: `detection_recipe` says what they
are worth.
"""

from functools import partial

from evidence import closing
from jointopt import Update, tasks

SIZE, SCENES = 600, 3000  # updates of each module; scenes to train on
LRS = (1e-3, 2e-3, 4e-3)
FIRST, SECOND = ("objectness", "rpn_box_reg"), ("classifier", "box_reg")
PROPOSALS, DETECTOR = Update(("backbone", "rpn"), FIRST), Update(("backbone", "roi_heads"), SECOND)
ARMS = closing.Arms(
    joint=Update(),
    alternating=(PROPOSALS, DETECTOR),
    staged=(PROPOSALS, DETECTOR, Update("rpn", FIRST), Update("roi_heads", SECOND)),
    frozen=Update(("rpn", "roi_heads")),
)
SLICE = ("updates", ["frozen"], [10])
make = partial(tasks.load, "detection", scenes=SCENES)
parts = closing.parts(make, ARMS, SIZE, LRS, falls=True)
RULE = closing.claim
