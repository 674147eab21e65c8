"""A run written for TensorBoard: read back by TensorBoard's own reader, and no other than without it."""

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from jointopt import Controls, plans, tasks, tracking, train


@pytest.fixture
def run():
    """run(write) -> the steps of a run in which λ is changed at step 3 and a module frozen at step 5, and its task."""

    def run(write=lambda steps, task, controls: steps):
        task, controls, steps = tasks.load("classification", size=16), Controls(), []
        torch.manual_seed(0)  # for dropout
        for step in write(train(task, plans.joint(8), controls), task, controls):
            steps.append(step)
            if step.number == 2:
                controls.set(weight={"reg": 0.5})
            if step.number == 4:
                controls.freeze("classifier")
        return steps, task

    return run


def read(folder):
    reader = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    return reader.Reload()


def test_what_is_written_is_what_the_steps_said(run, tmp_path):
    steps, task = run(lambda *of: tracking.tensorboard(of[0], tmp_path, *of[1:], every=4))
    reader = read(tmp_path)

    def curve(name):
        return [(event.step, event.value) for event in reader.Scalars(name)]

    for name in tracking.numbers(steps[0]):
        assert curve(name) == [(s.number, pytest.approx(tracking.numbers(s)[name])) for s in steps], name
    assert [value for _, value in curve("weight/reg")] == pytest.approx([1e-4] * 3 + [0.5] * 5)
    assert [value for _, value in curve("frozen/classifier")] == [0] * 5 + [1] * 3
    assert [step for step, _ in curve("held-out/accuracy (%)")] == [1, 4, 8]
    assert curve("held-out/accuracy (%)")[-1][1] == pytest.approx(task.evaluate(task.model)["accuracy (%)"])
    assert [(image.step, image.height) for image in reader.Images("picture")] == [(1, 232), (4, 232), (8, 232)]
    written = reader.Tensors("changes/text_summary")
    texts = [(event.step, event.tensor_proto.string_val[0].decode()) for event in written]
    assert texts == [(3, "weight.reg = 0.5"), (5, "frozen.classifier = True")]


def test_the_run_is_the_same_as_without(run, tmp_path):
    watched, task = run(lambda *of: tracking.tensorboard(of[0], tmp_path, *of[1:], every=1))
    alone, other = run()
    assert watched == alone
    assert all(torch.equal(p, q) for p, q in zip(task.model.parameters(), other.model.parameters(), strict=True))


def test_steps_alone_are_enough_and_a_run_that_is_left_is_whole(run, tmp_path):
    task = tasks.load("classification", size=16)
    steps = tracking.tensorboard(train(task, plans.joint(), Controls()), tmp_path)
    for step in steps:
        if step.number == 1:
            break
    steps.close()
    reader = read(tmp_path)
    assert [event.step for event in reader.Scalars("J")] == [0, 1] and reader.Tags()["images"] == []


def test_it_refuses_before_the_first_step(run, tmp_path):
    with pytest.raises(ValueError, match="every must be a whole number ≥ 1, got 0"):
        run(lambda *of: tracking.tensorboard(of[0], tmp_path, every=0))
    assert list(tmp_path.iterdir()) == []
