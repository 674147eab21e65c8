"""The document's code and our model are the same: run as written, weights exchanged both ways, equal outputs."""

import json
import re
from pathlib import Path

import pytest
import torch

import jointopt
from jointopt import Classifier, EndToEndModel, FeatureExtractor, get_batch_data

ROOT = Path(__file__).parents[3]
DOCUMENT = ROOT.parent / "shared" / "document.md"  # beside the repository where the collection is written


def listing() -> str:
    """The document's program, as chapter 3 shows and runs it: the cell with all of it, less what stands above."""
    cells = json.loads((ROOT / "notebooks" / "03_code_example.ipynb").read_text(encoding="utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    (whole,) = [source for source in sources if "class EndToEndModel" in source and "for epoch in range(100)" in source]
    return whole[whole.index("import torch\n") :].strip()


@pytest.fixture(scope="module")
def document():
    """The names that the document's program leaves behind, and what it prints."""
    torch.manual_seed(0)
    printed = []
    names = {"get_batch_data": get_batch_data, "print": printed.append}
    exec(listing(), names)
    return names, printed


def test_the_document_runs_as_written(document):
    _, printed = document
    losses = [float(re.fullmatch(r"Epoch \[\d+/100\], Loss: (\d+\.\d{4})", line)[1]) for line in printed]
    assert len(losses) == 100 and sum(losses[-10:]) < 0.5 * sum(losses[:10])


def test_chapter_3_quotes_the_document_unchanged():
    if not DOCUMENT.exists():
        pytest.skip("the document lies beside the repository only where the collection is written")
    (program,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert listing() == program.strip()


def test_gradients_are_equal_to_the_last_bit(document):
    """Ours pools before the ReLU, which is four times less work for it, and nothing else."""
    names, _ = document
    torch.manual_seed(4)
    ours, theirs = EndToEndModel(10), names["EndToEndModel"](10)
    ours.load_state_dict(theirs.state_dict())
    inputs, labels = get_batch_data()
    for model in (ours, theirs):
        torch.manual_seed(5)
        torch.nn.functional.cross_entropy(model(inputs), labels).backward()
    assert all(torch.equal(p.grad, q.grad) for p, q in zip(ours.parameters(), theirs.parameters(), strict=True))


@pytest.mark.parametrize("direction", ["theirs to ours", "ours to theirs"])
def test_weights_can_be_exchanged(direction, document):
    names, _ = document
    ours, theirs = EndToEndModel(num_classes=10), names["EndToEndModel"](num_classes=10)
    source, target = (theirs, ours) if direction == "theirs to ours" else (ours, theirs)
    target.load_state_dict(source.state_dict(), strict=True)
    inputs, _ = get_batch_data()
    for model in (ours.eval(), theirs.eval()):
        model.requires_grad_(False)
    assert torch.equal(ours(inputs), theirs(inputs))
    torch.manual_seed(3)
    expected = theirs.train()(inputs)
    torch.manual_seed(3)
    assert torch.equal(ours.train()(inputs), expected)  # the same dropout, too


def test_the_same_seed_gives_the_same_first_weights(document):
    names, _ = document
    torch.manual_seed(0)
    theirs = names["EndToEndModel"](10).state_dict()
    torch.manual_seed(0)
    ours = EndToEndModel(10).state_dict()
    loaded = jointopt.tasks.load("classification", seed=0).model.state_dict()
    assert list(ours) == list(theirs) == list(loaded)
    assert all(torch.equal(ours[k], theirs[k]) and torch.equal(loaded[k], theirs[k]) for k in ours)


def test_shapes_and_layouts():
    inputs = torch.rand(5, 3, 28, 28)
    features = FeatureExtractor()(inputs)
    assert features.shape == (5, 64, 7, 7) and Classifier(7)(features).shape == (5, 7)
    model = EndToEndModel(4).eval()
    plain = model(inputs)
    model.to(memory_format=torch.channels_last)
    assert torch.allclose(plain, model(inputs.to(memory_format=torch.channels_last)), atol=1e-5)
