"""Small data sets in the layout of the real ones, of colored shapes, and boxes by hand."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from jointopt.data import digits

SIZES = ((50, 40), (36, 60))  # width and height, by turns
BORDER = 255
VOC_NUMBERS = {"aeroplane": 1, "cat": 8, "dog": 12, "person": 15}
COLORS = {"aeroplane": (250, 30, 30), "cat": (30, 250, 30), "dog": (30, 30, 250), "person": (250, 250, 30)}
BREEDS = (("Abyssinian", 1), ("american_bulldog", 2), ("Bengal", 1))  # and the species, 1 cat or 2 dog


def voc_objects(number):
    """(class, difficult, xmin, ymin, xmax, ymax) of each object of an image: VOC counts pixels from 1."""
    shift = number % 3
    objects = [
        ("aeroplane", 0, 1, 1, 12 + shift, 15),  # at the left upper corner
        ("person", 1, 2, 20, 9, 30),  # difficult
        ("dog", 0, 20, 18, SIZES[number % 2][0], SIZES[number % 2][1]),  # at the right lower corner
    ]
    return objects if number % 4 else [("cat", 0, 5, 6, 24, 25 + shift), ("cat", 0, 25, 6, 34, 30)]


def color_of(number):
    """The background of an image, by which a test knows it again."""
    return 100, 100 + 2 * number, 100


def numbers_at(scenes, row, column):
    """Which images, of 19 at most, these are, by the color of the background at one pixel."""
    greens = [float(pixels[1, row, column]) for pixels in scenes.pixels]
    return [min(range(19), key=lambda number: abs(color_of(number)[1] - green)) for green in greens]


def write_voc(root, train=10, val=4):
    """A VOC 2012 with so many images in its lists, all of them outlined. Returns its folder."""
    folder = Path(root) / "VOCdevkit/VOC2012"
    for part in ("JPEGImages", "Annotations", "SegmentationClass", "SegmentationObject"):
        (folder / part).mkdir(parents=True)
    for number in range(train + val):
        _write_voc_image(folder, number)
    for kind in ("Main", "Segmentation"):
        lists = folder / "ImageSets" / kind
        lists.mkdir(parents=True)
        for name, numbers in (("train", range(train)), ("val", range(train, train + val))):
            (lists / f"{name}.txt").write_text("".join(f"{voc_name(number)}\n" for number in numbers))
    return folder


def voc_name(number):
    return f"2008_{number:06}"


def _write_voc_image(folder, number):
    name, size, objects = voc_name(number), SIZES[number % 2], voc_objects(number)
    image = Image.new("RGB", size, color_of(number))
    kinds, instances = Image.new("P", size), Image.new("P", size)  # 0 is the background
    for maps in (kinds, instances):
        maps.putpalette(np.random.RandomState(0).randint(0, 256, 768).tolist())
    for place, (kind, _, *box) in enumerate(objects, 1):
        inside = tuple(edge - 1 for edge in box)  # Pillow counts pixels from 0, and draws the last one too
        ImageDraw.Draw(image).rectangle(inside, COLORS[kind])
        for maps, value in ((kinds, VOC_NUMBERS[kind]), (instances, place)):
            ImageDraw.Draw(maps).ellipse(inside, value, BORDER)
    image.save(folder / f"JPEGImages/{name}.jpg", quality=98, subsampling=0)
    kinds.save(folder / f"SegmentationClass/{name}.png")
    instances.save(folder / f"SegmentationObject/{name}.png")
    rows = "".join(_voc_object(*each) for each in objects)
    width, height = size
    (folder / f"Annotations/{name}.xml").write_text(
        f"<annotation><filename>{name}.jpg</filename><size><width>{width}</width><height>{height}</height>"
        f"<depth>3</depth></size><segmented>1</segmented>{rows}</annotation>"
    )


def _voc_object(kind, difficult, xmin, ymin, xmax, ymax):
    part = "<part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></part>"
    return (
        f"<object><name>{kind}</name><difficult>{difficult}</difficult><bndbox><xmax>{xmax}.0</xmax><xmin>{xmin}</xmin>"
        f"<ymax>{ymax}</ymax><ymin>{ymin}</ymin></bndbox>{part if kind == 'person' else ''}</object>"
    )


def write_pets(root, trainval=15, test=4):
    """An Oxford-IIIT Pet with so many images in its lists, one breed after the other. Returns its folder."""
    folder = Path(root) / "oxford-iiit-pet"
    (folder / "images").mkdir(parents=True)
    (folder / "annotations/trimaps").mkdir(parents=True)
    for name, numbers in (("trainval", range(trainval)), ("test", range(trainval, trainval + test))):
        lines = []
        for place, number in enumerate(numbers):
            breed = place * len(BREEDS) // len(numbers)
            image = f"{BREEDS[breed][0]}_{number}"
            lines.append(f"{image} {breed + 1} {BREEDS[breed][1]} 1\n")
            _write_pet(folder, image, number)
        (folder / f"annotations/{name}.txt").write_text("".join(lines))
    return folder


def pet_box(number):
    """The pixels, counted from 0, of an animal's band, the last ones too."""
    return 8, 10, 26 + number % 3, 30


def _write_pet(folder, name, number):
    size, box = SIZES[number % 2], pet_box(number)
    image, trimap = Image.new("RGB", size, color_of(number)), Image.new("L", size, 2)
    ImageDraw.Draw(image).ellipse(box, (250, 30, 30))
    ImageDraw.Draw(trimap).ellipse(box, 1, 3, width=2)
    image.save(folder / f"images/{name}.jpg", quality=98, subsampling=0)
    trimap.save(folder / f"annotations/trimaps/{name}.png")


def objects(*rows, scores=None):
    """A target, or predictions with scores, from rows (label, x1, y1, x2, y2)."""
    table = torch.tensor(rows, dtype=torch.float32).reshape(-1, 5)
    target = {"boxes": table[:, 1:], "labels": table[:, 0].long()}
    return target if scores is None else target | {"scores": torch.tensor(scores, dtype=torch.float32)}


def write_mnist(root, n_labels=1000):
    """The test digits of the package as MNIST's IDX files: a small data set in torchvision's layout."""
    raw = root / "MNIST/raw"
    raw.mkdir(parents=True)
    arrays = digits.read(digits.FILE)
    for prefix in ("train", "t10k"):
        images, labels = arrays["test_digits"], arrays["test_labels"][:n_labels]
        for name, array in (("images-idx3", images), ("labels-idx1", labels)):
            header = np.array([0x800 + array.ndim, *array.shape], ">i4").tobytes()
            (raw / f"{prefix}-{name}-ubyte").write_bytes(header + array.tobytes())
    return raw
