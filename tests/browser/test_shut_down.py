"""A chapter's last button gives its memory back."""

from lab_server import until


def test_a_chapter_can_be_shut_down_by_its_last_button(notebook, server):
    assert len(server.api("/api/kernels")) == 1
    notebook.page.get_by_role("button", name="Close and shut down this notebook").click()
    notebook.page.locator(".jp-Dialog .jp-mod-accept").click()
    until(lambda: server.api("/api/kernels") == [], "the kernel to end")
    until(lambda: notebook.page.locator(".jp-NotebookPanel").count() == 0, "the tab to close")
