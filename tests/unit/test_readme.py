"""The README's program text runs as it is printed."""

import re
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"


def test_the_blocks_run_in_their_order(capsys):
    names = {}
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    for block in blocks:
        exec(compile(block, str(README), "exec"), names)
    assert "99 ('classifier',)" in capsys.readouterr().out  # the first block froze the features
    assert [row[0] for row in names["result"].table().rows] == ["joint", "mostly head"]
