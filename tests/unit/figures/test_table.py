"""A table as a terminal prints it, and as a notebook shows it."""

import pytest

from jointopt.figures.table import Table

TABLE = Table(["arm", "accuracy (%)"], [["", ""], ["joint & all", "92.1"], ["<b>", "<1"]])


def test_printed_its_columns_are_aligned_and_no_line_ends_in_blanks():
    assert repr(TABLE).split("\n") == ["arm          accuracy (%)", "", "joint & all  92.1", "<b>          <1"]


def test_in_a_notebook_titles_and_names_are_headings_and_no_text_is_markup():
    html = TABLE._repr_html_()
    assert '<tr><th scope="col">arm</th><th scope="col">accuracy (%)</th></tr>' in html
    assert '<tr><th scope="row">joint &amp; all</th><td>92.1</td></tr>' in html
    assert '<tr><th scope="row">&lt;b&gt;</th><td>&lt;1</td></tr>' in html
    assert "<tr><td></td><td></td></tr>" in html  # what is empty heads nothing


@pytest.mark.parametrize("row", [["joint"], ["joint", "92.1", "4"]])
def test_a_row_of_another_length_is_refused(row):
    with pytest.raises(ValueError, match="a row of 2 texts is expected, got .*'joint'"):
        Table(TABLE.columns, [row])


def test_words_begin_at_the_left_in_each_cell():
    html = Table(TABLE.columns, TABLE.rows, words=True)._repr_html_()
    assert html.count('<th style="text-align: left" scope="') == 4 and html.count('<td style="text-align: left">') == 4
    assert html.replace(' style="text-align: left"', "") == TABLE._repr_html_()
    assert repr(Table(TABLE.columns, TABLE.rows, words=True)) == repr(TABLE)
