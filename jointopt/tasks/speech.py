"""Images and speech (document §7, trend 2): two encoders learn jointly which spoken digit names which image of a digit.

    plans.joint()                                                      # both encoders
    plans.alternating(Update(["speech_encoder", "temperature"]))       # the image encoder stays as it was drawn

A batch has ten pairs, one per digit, so that no utterance fits a second image. The metric asks the same of voices that
nobody has trained on: which of ten images an utterance names, and which of ten utterances of a voice names an image.

Sources: the loss is that of Radford et al., *Learning transferable visual models from natural language supervision*,
ICML 2021, §2.3 and figure 3. Spoken and handwritten digits in one space, by another loss: Leidal, Harwath and Glass,
*Learning modality-invariant representations for speech and images*, ASRU 2017.
"""

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from jointopt.checks import check_choice, check_count, check_parts, check_range, check_tensor
from jointopt.data import speech as voices
from jointopt.data.images import Images
from jointopt.data.speech import BANDS, DECIBELS, FRAMES
from jointopt.figures.pixels import font, mark_wrong
from jointopt.models.contrastive import ImagesAndSpeech
from jointopt.modules import device_of, eval_mode
from jointopt.objective import contrastive
from jointopt.system import seeded
from jointopt.tasks import classification
from jointopt.training import Task

SIDE, DIGITS = 28, len(voices.CLASSES)
COLUMNS, SHOWN = 4, 12  # of the picture
WIDTH, HEIGHT = 180, 116  # of a pair in it, in pixels


def make(seed: int = 0, held_out: str = "test") -> Task:
    """Two encoders. The seed and the number of a batch draw its ten pairs: one image and one utterance per digit.

    Loss: "task", the cross-entropy in nats of finding each image's utterance in its batch, and each utterance's image.
    held_out: "test" has the test images, voices that were not trained on, and other languages; "validation" the last
    1,000 training images and the voices of `jointopt.data.speech.VALIDATION`, which are then not trained on.

    ValueError for another held_out.
    """
    check_choice("held_out", held_out, classification.HELD_OUT)
    images, held = classification.train_and_held_out("digits", held_out)
    if held_out == "test":
        heard, unheard, foreign = map(voices.of, (voices.TRAINING, voices.TEST, voices.LANGUAGES))
    else:
        heard = voices.of([voice for voice in voices.TRAINING if voice not in voices.VALIDATION])
        unheard, foreign = voices.of(voices.VALIDATION), None
    with seeded(seed):
        model = ImagesAndSpeech((SIDE, SIDE), (BANDS, FRAMES))
    model.to(memory_format=torch.channels_last)

    def batches(number: int) -> tuple[Tensor, Tensor]:
        rng = np.random.RandomState([seed, check_count("batch number", number)])
        return images.images[one_per_digit(images, rng), :1], heard.images[one_per_digit(heard, rng)]

    return Task(
        model,
        losses,
        batches,
        evaluate=lambda model: evaluate(model, held, unheard, foreign),
        picture=lambda model: picture(model, held, unheard),
        weights={"task": 1.0},
        optimizer_options={"lr": 1e-3},
    )


def one_per_digit(examples: Images, rng: np.random.RandomState) -> Tensor:
    """Rows of examples whose labels are 0, 1, …, 9 in turn, one drawn of each digit: (10,)."""
    drawn = rng.randint(len(examples) // DIGITS, size=DIGITS)
    return torch.from_numpy(DIGITS * drawn + np.arange(DIGITS))


def losses(model: ImagesAndSpeech, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
    """The loss on (images (B, 1, 28, 28), speech (B, 1, 32, 40)), the same in both directions."""
    check_parts(batch, "images", "speech")
    images, speech = batch
    check_tensor("images", images, "float", ("B", 1, SIDE, SIDE))
    check_range("images", images)
    check_tensor("speech", speech, "float", (len(images), 1, BANDS, FRAMES))
    check_range("speech", speech, DECIBELS)
    return {"task": contrastive(model(images, speech))}


@torch.no_grad()
def cosines(model: ImagesAndSpeech, images: Tensor, speech: Tensor) -> Tensor:
    """(N, M) of images (N, 1, 28, 28) and speech (M, 1, 32, 40), in eval mode; on the CPU, wherever the model is."""
    device = device_of(model)
    with eval_mode(model):
        encoded = [
            torch.cat([encoder(some.to(device)).cpu() for some in given.split(100)])
            for encoder, given in ((model.image_encoder, images), (model.speech_encoder, speech))
        ]  # (N, 64), (M, 64)
    return encoded[0] @ encoded[1].T


def share_found(scores: Tensor) -> float:
    """How often a row finds its digit among ten columns, one per digit, in percent; by chance it is 10.

    scores: (N, M), in whose rows and in whose columns the digits 0, 1, …, 9 take turns. Each row chooses M / 10 times,
    among ten columns that follow one another.
    """
    chosen = scores.unflatten(1, (-1, DIGITS)).argmax(2)  # (N, M / 10)
    right = chosen == (torch.arange(len(scores)) % DIGITS)[:, None]
    return 100 * float(right.double().mean())


def evaluate(model: ImagesAndSpeech, held: Images, unheard: Images, foreign: Images | None) -> dict[str, float]:
    """`share_found` for unheard voices: of utterances, of images, and the mean of both; for other languages the mean.

    held: digits; unheard, foreign: utterances. In each the labels are 0, 1, …, 9 in turn.
    """
    images = held.images[:, :1]
    scores = cosines(model, images, unheard.images)
    of_speech, of_images = share_found(scores.T), share_found(scores)
    found = {"top-1 (%)": (of_speech + of_images) / 2}
    found |= {"speech → image (%)": of_speech, "image → speech (%)": of_images}
    if foreign is not None:
        scores = cosines(model, images, foreign.images)
        found["top-1, other languages (%)"] = (share_found(scores.T) + share_found(scores)) / 2
    return found


def picture(model: ImagesAndSpeech, held: Images, unheard: Images) -> np.ndarray:
    """Twelve utterances, of as many voices as there are, each beside the one that it finds of ten images.

    Four per row; a wrong one has a thick frame and a cross.
    """
    tens = len(unheard) // DIGITS
    rows = [DIGITS * (number * tens // SHOWN) + number % DIGITS for number in range(SHOWN)]
    speech, labels = unheard.images[rows], unheard.labels[rows]
    images = held.images[: DIGITS * SHOWN, :1]
    scores = cosines(model, images, speech).unflatten(0, (-1, DIGITS))  # (12, 10, 12)
    chosen = scores[range(SHOWN), :, range(SHOWN)].argmax(1)  # (12,): each utterance has ten images of its own
    found = images.unflatten(0, (-1, DIGITS))[range(SHOWN), chosen]  # (12, 1, 28, 28)
    return tiled(speech, found, labels.tolist(), (chosen == labels).tolist())


def tiled(speech: Tensor, images: Tensor, labels: list[int], right: list[bool]) -> np.ndarray:
    """Spectrograms (n, 1, 32, 40), the lowest band at the bottom, with what is said beneath, and images (n, 1, 28, 28).

    Four pairs per row: (116 per row, 720, 3) uint8.
    """
    rows = -(-len(speech) // COLUMNS)
    canvas = Image.new("RGB", (WIDTH * COLUMNS, HEIGHT * rows), "white")
    draw = ImageDraw.Draw(canvas)
    for number, (spoken, image, label, fits) in enumerate(zip(speech, images, labels, right, strict=True)):
        row, column = divmod(number, COLUMNS)
        x, y = WIDTH * column, HEIGHT * row
        canvas.paste(enlarged(spoken.flip(1), 2), (x + 4, y + 13))  # 80 x 64
        canvas.paste(enlarged(image, 3), (x + 90, y + 4))  # 84 x 84
        draw.text((x + WIDTH // 2, y + 103), f"says {label}", "black", font(), "mm")
        if not fits:
            mark_wrong(draw, (x + 1, y + 1, x + WIDTH - 3, y + 90))
    return np.asarray(canvas)


def enlarged(gray: Tensor, times: int) -> Image.Image:
    """(1, h, w) in [0, 1], each pixel a square."""
    pixels = Image.fromarray((gray[0].cpu() * 255).round().byte().numpy())
    return pixels.resize((times * pixels.width, times * pixels.height), Image.NEAREST)
