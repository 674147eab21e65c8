"""The closing table of chapter 8: a GAN whose players move at once, in turn, one after the other, or one of them never.

Staged trains the discriminator against the first generator, and then the generator against that discriminator; frozen
trains the generator against the discriminator as it was drawn. Less is better: the first metric is a distance.
"""

from functools import partial

from evidence import closing
from jointopt import Update, tasks

SIZE = 300  # updates of each player
LRS, OPTIMIZER = (1e-3, 2e-3, 4e-3), "RMSprop"
D, G = Update("discriminator", ("discriminator", "penalty")), Update("generator", "generator")
ARMS = closing.Arms(joint=Update(), alternating=(D, G), staged=(D, G), frozen=G)
SLICE = ("updates", ["frozen"], [10])
make = partial(tasks.load, "generation")
parts = closing.parts(make, ARMS, SIZE, LRS, OPTIMIZER, choose=min)
RULE = partial(closing.claim, better="less")
