"""PASCAL VOC 2012, from a small stand-in of the same layout: boxes, masks, splits, and tasks that train on it."""

from functools import partial

import numpy as np
import pytest
import torch
from fake_sets import COLORS, SIZES, VOC_NUMBERS, numbers_at, voc_name, voc_objects, write_voc
from PIL import Image

from jointopt import plans, tasks, train
from jointopt.data.scenes import photographs, voc
from jointopt.modules import module_names
from jointopt.tasks import detection


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A folder with a small VOC, which is the one that is looked for."""
    write_voc(tmp_path)
    monkeypatch.setenv("JOINTOPT_DATA", str(tmp_path))
    return tmp_path


numbers = partial(numbers_at, row=86, column=9)  # the left lower corner


def expected_boxes(number, size, kinds):
    """The boxes that are not difficult, by torchvision's transforms."""
    from torchvision import tv_tensors
    from torchvision.transforms import v2

    width, height = SIZES[number % 2]
    wanted = [each for each in voc_objects(number) if each[0] in kinds and not each[1]]
    edges = torch.tensor([[x1 - 1, y1 - 1, x2, y2] for _, _, x1, y1, x2, y2 in wanted], dtype=torch.float32)
    boxes = tv_tensors.BoundingBoxes(edges.reshape(-1, 4), format="XYXY", canvas_size=(height, width))
    return v2.functional.resize(boxes, [size, size]).as_subclass(torch.Tensor), [each[0] for each in wanted]


@pytest.mark.parametrize("size", [96, 40])
def test_boxes_and_labels_are_those_of_the_annotations(root, size):
    found = voc.load(size=size)
    assert found.classes == voc.CLASSES and len(found) == 8 and found.pixels.shape == (8, 3, size, size)
    for number, boxes, labels in zip(numbers(voc.load()), found.boxes, found.labels, strict=True):
        expected, kinds = expected_boxes(number, size, voc.CLASSES)
        assert torch.allclose(boxes, expected, atol=1e-4) and [voc.CLASSES[label] for label in labels] == kinds
        assert boxes.max() <= size


def test_a_box_is_where_the_object_is_seen(root):
    found = voc.load()
    for pixels, boxes, labels, masks in zip(found.pixels, found.boxes, found.labels, found.masks, strict=True):
        for box, label, mask in zip(boxes, labels, masks, strict=True):
            color = torch.tensor(COLORS[voc.CLASSES[label]])
            near = (pixels - color[:, None, None]).abs().amax(0) < 60  # JPEG
            near &= (torch.arange(96) + 0.5 >= box[0] - 2) & (torch.arange(96) + 0.5 <= box[2] + 2)
            agree = (near & mask).sum() / (near | mask).sum()  # the box as a mask, against the pixels of this color
            assert agree > 0.85


def test_masks_without_outlines_are_the_boxes_filled(root):
    found = voc.load()
    for boxes, masks in zip(found.boxes, found.masks, strict=True):
        around = photographs.tight_boxes(masks)
        assert ((around - boxes).abs() < 1).all()
        assert (around[:, :2] <= boxes[:, :2]).all() and (around[:, 2:] >= boxes[:, 2:]).all()
        assert torch.equal(masks.sum((1, 2)), (around[:, 2:] - around[:, :2]).prod(1).long())


@pytest.mark.parametrize("masks", [False, True])
def test_no_image_is_in_two_splits(root, masks):
    seen = {split: numbers(voc.load(split, masks=masks)) for split in photographs.SPLITS}
    assert sorted(seen["train"] + seen["validation"]) == list(range(10)) and sorted(seen["test"]) == [10, 11, 12, 13]
    assert sorted(seen["validation"]) == [4, 9]
    assert seen["train"] != sorted(seen["train"])  # no pattern


def test_the_first_images_are_the_same_whatever_the_count(root):
    few, many = voc.load(count=3), voc.load()
    assert len(few) == 3 and torch.equal(few.pixels, many.pixels[:3])
    assert all(torch.equal(a, b) for a, b in zip(few.boxes, many.boxes[:3], strict=True))


def test_classes_are_chosen_and_images_without_them_left_out(root):
    found = voc.load(classes=["dog", "cat"])
    assert found.classes == ("dog", "cat") and len(found) == 8
    for number, boxes, labels in zip(numbers(found), found.boxes, found.labels, strict=True):
        assert labels.tolist() == ([0] if number % 4 else [1, 1])
        assert torch.allclose(boxes, expected_boxes(number, 96, ("dog", "cat"))[0], atol=1e-4)
    assert sorted(numbers(voc.load(classes=("cat",)))) == [0, 8]
    with pytest.raises(ValueError, match=r"voc has 0 images in 'train' with an object \(person\), not one"):
        voc.load(classes=["person"])  # all are difficult
    with pytest.raises(ValueError, match=r"voc has 2 images in 'train' with an object \(cat\), not 3"):
        voc.load(classes=["cat"], count=3)


def test_outlines_are_those_of_torchvisions_segmentation(root):
    """The union of the masks of a class is that class in SegmentationClass, resized; boxes are tight."""
    from torchvision import tv_tensors
    from torchvision.datasets import VOCSegmentation
    from torchvision.transforms import v2

    found, listed = voc.load(masks=True), VOCSegmentation(root, image_set="train")
    for which, number in enumerate(numbers(found)):
        boxes, labels, masks = found.boxes[which], found.labels[which], found.masks[which]
        kinds = tv_tensors.Mask(np.array(listed[number][1])[None])
        kinds = v2.functional.resize(kinds, [96, 96], v2.InterpolationMode.NEAREST_EXACT)[0].as_subclass(torch.Tensor)
        for name, value in VOC_NUMBERS.items():
            mine = masks[labels == voc.CLASSES.index(name)]
            assert torch.equal(mine.any(0), kinds == value)
            assert len(mine) == sum(each[0] == name for each in voc_objects(number))  # an outline has no difficulty
        assert torch.equal(boxes, photographs.tight_boxes(masks)) and not (masks.sum(0) > 1).any()


def test_outlines_of_chosen_classes(root):
    found = voc.load(masks=True, classes=["dog"])
    assert found.classes == ("dog",) and len(found) == 6 and all(label.tolist() == [0] for label in found.labels)


def test_an_outline_that_has_no_pixel_left_is_left_out(root):
    whole, tiny = ([mask for each in voc.load(masks=True, size=size).masks for mask in each] for size in (96, 2))
    assert 0 < len(tiny) < len(whole) and all(mask.any() for mask in tiny)


def test_a_box_that_reaches_over_the_edge_is_cut(root):
    rewrite(root, "<xmin>1</xmin>", "<xmin>-3</xmin>")
    for boxes in voc.load().boxes:
        assert boxes.min() >= 0


# What is refused


def rewrite(root, before, after):
    for number in range(10):
        path = root / f"VOCdevkit/VOC2012/Annotations/{voc_name(number)}.xml"
        path.write_text(path.read_text().replace(before, after))


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("<xmin>1</xmin>", "", "xmin"),
        ("<xmin>1</xmin>", "<xmin>99</xmin>", "a box has no area in the image"),
        ("<xmin>1</xmin>", "<xmin>nan</xmin>", "a box has no area in the image"),
        ("</annotation>", "", "ParseError"),
    ],
)
def test_an_annotation_that_is_damaged(root, before, after, message):
    rewrite(root, before, after)
    with pytest.raises(OSError, match=rf"voc: .*Annotations.2008_00000\d.xml could not be .*{message}.*delete"):
        voc.load()


@pytest.mark.parametrize("masks", [False, True])
def test_a_photograph_that_is_cut_short(root, masks):
    for path in (root / "VOCdevkit/VOC2012/JPEGImages").iterdir():
        path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(OSError, match="voc: .* could not be fetched or read.*delete"):
        voc.load(masks=masks)


def test_masks_of_another_size(root):
    for path in (root / "VOCdevkit/VOC2012/SegmentationObject").iterdir():
        with Image.open(path) as image:
            smaller = image.resize((20, 20))
        smaller.save(path)
    with pytest.raises(OSError, match=r"a mask must have the image's size, \(\d\d, \d\d\), got \(20, 20\)"):
        voc.load(masks=True)


def test_an_object_of_no_class(root):
    for path in (root / "VOCdevkit/VOC2012/SegmentationClass").iterdir():
        with Image.open(path) as image:
            empty = Image.new("P", image.size)
        empty.save(path)
    with pytest.raises(OSError, match="SegmentationClass.2008_00000.* could not be"):
        voc.load(masks=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "val"}, "split must be one of 'train', 'validation', 'test', got 'val'"),
        ({"size": 0}, "size must be a whole number ≥ 1, got 0"),
        ({"count": 0}, "count must be a whole number ≥ 1, got 0"),
        ({"count": 2.5}, "count must be a whole number ≥ 1, got 2.5"),
        ({"classes": "cat"}, "classes must be a list of one or more of aeroplane, .*, each once, got 'cat'"),
        ({"classes": ["cat", "cow bell"]}, "each once, got"),
        ({"classes": ["cat", "cat"]}, "each once, got"),
        ({"classes": []}, "each once, got"),
        ({"classes": [["cat"]]}, "each once, got"),
    ],
)
def test_bad_options(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        voc.load(root=tmp_path, **options)


@pytest.mark.parametrize(("masks", "lists"), [(False, "Main"), (True, "Segmentation")])
def test_missing_files_are_named(tmp_path, masks, lists):
    with pytest.raises(FileNotFoundError) as caught:
        voc.load(root=tmp_path, masks=masks)
    message = str(caught.value)
    assert f"voc was looked for in {tmp_path}; missing: VOCdevkit/VOC2012/ImageSets/{lists}/train.txt" in message
    assert "To fetch it (2 GB): from jointopt.data.scenes import voc; voc.load(count=1, download=True)" in message
    exec(message.partition("(2 GB): ")[2].partition(";")[0])  # what it says can be imported
    assert not list(tmp_path.iterdir())


def test_no_network(tmp_path, monkeypatch):
    from torchvision.datasets.voc import DATASET_YEAR_DICT

    monkeypatch.setitem(DATASET_YEAR_DICT["2012"], "url", "http://127.0.0.1:9/voc.tar")  # nobody listens there
    with pytest.raises(OSError, match="voc in .* could not be fetched or read"):
        voc.load(root=tmp_path, download=True)


def test_what_is_there_is_not_fetched(root):
    assert len(voc.load(root=root, download=True)) == 8


# Photographs by name, as tasks read them


def test_photographs_are_read_once_in_a_process(root, tmp_path_factory, monkeypatch):
    first = photographs.load("voc", "train", 3, classes=["cat", "dog"])
    assert photographs.load("voc", "train", 3, classes=("cat", "dog")) is first
    assert photographs.load("voc", "train", 3, classes=("dog", "cat")) is not first
    assert photographs.load("voc", "test", 2, masks=True).masks[0].dtype == torch.bool
    monkeypatch.setenv("JOINTOPT_DATA", str(tmp_path_factory.mktemp("empty")))
    with pytest.raises(FileNotFoundError):
        photographs.load("voc", "train", 3, classes=["cat", "dog"])


def test_photographs_of_another_name():
    with pytest.raises(ValueError, match="photographs must be one of 'voc', 'pets', got 'coco'"):
        photographs.load("coco", "train", 3)


@pytest.mark.parametrize("name", ["detection", "one_stage"])
def test_a_task_learns_on_it(root, name):
    task = tasks.load(name, data="voc", scenes=8, held_out_scenes=4)
    (step,) = train(task, plans.joint(1))
    assert step.moved == tuple(module_names(task.model)) and step.total > 0
    assert {label for target in task.batches(0)[1] for label in target["labels"].tolist()} <= {1, 8, 12}
    assert list(task.evaluate(task.model)) == ["mAP@0.5 (%)", "recall@0.5 (%)"]
    assert task.picture(task.model).shape == (504, 720, 3)
    assert task.recipe["options"]["data"] == "voc"


@pytest.mark.parametrize("name", ["detection", "one_stage"])
def test_a_task_takes_chosen_classes_and_the_validation_images(root, name, monkeypatch):
    options = {"data": "voc", "classes": ["cat", "dog"], "scenes": 4, "held_out_scenes": 2, "held_out": "validation"}
    task = tasks.load(name, **options)
    labels = {label for n in range(4) for target in task.batches(n)[1] for label in target["labels"].tolist()}
    assert labels == {1, 2} and task.picture(task.model).shape == (264, 720, 3)
    monkeypatch.setattr(detection, "evaluate", lambda model, held: held.pixels)
    for split in ("validation", "test"):
        task = tasks.load(name, **options | {"held_out": split})
        assert torch.equal(task.evaluate(None), voc.load(split, count=2, classes=["cat", "dog"]).pixels)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"data": "coco"}, ValueError, "data must be one of 'scenes', 'voc', 'pets', got 'coco'"),
        ({"data": "voc", "scenes": 600}, ValueError, "voc has 8 images in 'train' .*, not 600"),
        ({"data": "voc", "classes": "247"}, ValueError, "classes must be a list of one or more of aeroplane"),
        (
            {"data": "voc", "scenes": 4, "held_out_scenes": 2, "size": 5},
            ValueError,
            "size must be a whole number from 1 to 4, got 5",
        ),
        ({"data": "pets"}, FileNotFoundError, r"pets was looked for in .*To fetch it \(0.8 GB\)"),
    ],
)
def test_a_task_refuses(root, options, error, message):
    with pytest.raises(error, match=message):
        tasks.load("one_stage", **options)
