"""The questions at the end of each chapter: five, each with one right option, and a reason for each."""

import pytest
from bs4 import BeautifulSoup

from jointopt import exercises
from jointopt.exercises.questions import FILES


@pytest.mark.parametrize("chapter", FILES)
def test_a_quiz_has_five_questions(chapter):
    quiz = exercises.quiz(chapter)
    assert len(quiz.questions) == 5 and len({question.ask for question in quiz.questions}) == 5
    for question in quiz.questions:
        options = [option for option, _ in question.options]
        assert question.ask.endswith("?") and 3 <= len(set(options)) == len(options) <= 4
        assert options == sorted(options) and options.count(question.right) == 1
        assert all(len(reason) > 20 and reason.endswith(".") for _, reason in question.options)


@pytest.mark.parametrize("chapter", FILES)
def test_the_right_option_is_not_the_longest_each_time(chapter):
    questions = exercises.quiz(chapter).questions
    assert sum(max((option for option, _ in each.options), key=len) == each.right for each in questions) <= 3


def test_the_page_says_which_option_is_right():
    quiz = exercises.quiz(1)
    page = BeautifulSoup(quiz._repr_html_(), "html.parser")
    opened = {details.summary.text: details.p.text for details in page.select("details")}
    assert len(opened) == sum(len(question.options) for question in quiz.questions)
    for question in quiz.questions:
        for option, reason in question.options:
            assert opened[option] == f"{'Right' if option == question.right else 'No'}. {reason}"
    assert repr(quiz) == "Quiz of chapter 1: 5 questions"


@pytest.mark.parametrize("chapter", [99, "1", None, True, []])
def test_an_unknown_chapter(chapter):
    with pytest.raises(ValueError, match="chapter must be one of .*1"):
        exercises.quiz(chapter)
