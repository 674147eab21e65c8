"""The closing table of chapter 7: encoder, decoder and head of a small U-Net trained jointly, in turn, staged, frozen.

Staged: the encoder first, through a decoder and a head as they were drawn, then these two. Alternating: the same in
turn. Frozen: decoder and head on an encoder as it was drawn.

A last part asks what the skip connections and each of the two losses are worth: joint training without one of them, at
the learning rate of "joint". `segmentation_recipe` says what the falling rate and the scenes are worth.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from evidence import closing
from evidence.record import Comparisons, Part
from jointopt import Update, plans, tasks

SIZE, SCENES = 600, 3000  # updates of each module; scenes to train on
ENCODER, REST = Update("encoder"), Update(("decoder", "head"))
ARMS = closing.Arms(joint=Update(), alternating=(ENCODER, REST), staged=(ENCODER, REST), frozen=REST)
LRS = (3e-3, 6e-3, 1.2e-2)
SLICE = ("updates", ["frozen"], [10])
RULE = closing.claim
make = partial(tasks.load, "segmentation", scenes=SCENES)


def parts(comparisons: Comparisons) -> Iterator[tuple[str, Part]]:
    """The closing table's parts, then "without": joint training without skip connections, or without a loss."""
    for name, part in closing.parts(make, ARMS, SIZE, LRS, falls=True)(comparisons):
        yield name, part
        if name == "updates":
            table = part
    joint = table.arms["joint"]
    without = {
        "joint": joint,
        "no skip connections": replace(joint, task_options={"skip": False}),
        "no Dice": replace(joint, plan=partial(plans.joint, losses="cross_entropy")),
        "no cross-entropy": replace(joint, plan=partial(plans.joint, losses="dice")),
    }
    yield "without", replace(table, arms=without, known={"joint": comparisons["updates"]})
