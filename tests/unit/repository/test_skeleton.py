"""Chapters have one skeleton: one navigation line, headings in one order, pictures with words, prose that reads on."""

import re
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbconvert import HTMLExporter

ROOT = Path(__file__).parents[3]
CHAPTERS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PAGES = [ROOT / "evidence" / "README.md", *(ROOT / "jointopt" / room / "SOURCES.md" for room in ("data", "models"))]
PAGES += [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
HEADINGS = ["Predict first", "By hand", "Through jointopt", "Live", "What it shows", "Measured", "Traps", "Exercises"]
HEADINGS += ["Sources", "The map"]
OPTIONAL = {"What it shows", "Traps"}  # of all chapters but the opening, which has a map and measures nothing

HALTING = {  # pattern: what it must catch
    r"\b(labels|images|digits|features|weights|channels|anchors|boxes|cell|steps|rates|settings|\d+) an? "
    r"(class|image|seed|cell|place|row|run|arm|second(?! time))\b": "with 50 labels a class",
    r"\btold\b": "was not told from joint training",
    r"\bwhoever\b": "Whoever changes the optimizer",
    r"\bin small\b": "In small: eight convolutions",
    r"\bplaces?\b": "each place of the feature map",
    r"\bwith a network[,:]": "With a network, one word",
    r"\bmend(ed|s)?\b": "one more box to mend",
    r"\bdear\b": "a dear step",
    r"\bless (each|all|hog|joint|rotation)\b": "Less rotation then all",
    r"\bthe text\b": "the text's claim",
    r"\bso (many|much)\b": "after so many steps",
    r"\bon (record|the mean)\b": "On record, ten seeds",
    r"\bheld-out figures?\b": "a held-out figure",
    r"\bthat is none\b": "a class that is none",
    r"\b(is|are) no (photograph|parameters|plan)\b": "a mask is no photograph",
}


def cells(path):
    return nbformat.read(path, as_version=4).cells


def markdown(path):
    """The text of a page, or of a chapter's Markdown cells."""
    if path in PAGES:
        return path.read_text(encoding="utf-8")
    return "\n\n".join(cell.source for cell in cells(path) if cell.cell_type == "markdown")


def prose(path):
    """The same without code and addresses."""
    return re.sub(r"`[^`]*`|\]\([^)]*\)|<[^>]*>", " ", markdown(path))


def headings(path):
    """(level, title) of each heading of a chapter."""
    return [(len(marks), title) for marks, title in re.findall(r"^(#+) (.+)$", markdown(path), flags=re.M)]


def anchors(path):
    return {title.replace("`", "").replace(" ", "-") for _, title in headings(path)}


def halts(text):
    """What a reader would stumble over, once each."""
    text = re.sub(r"\s+", " ", text)
    return sorted({found[0] for pattern in HALTING for found in re.finditer(pattern, text, flags=re.I)})


def navigation(number):
    """Of chapter `number`: the one before, the map, the one after."""
    names = [headings(path)[0][1].partition(":")[0] for path in CHAPTERS]
    links = [f"[← {names[number - 1]}]({CHAPTERS[number - 1].name})"] if number else []
    links.append(f"[The map]({CHAPTERS[0].name}#The-map)")
    links += [f"[{names[number + 1]} →]({CHAPTERS[number + 1].name})"] if number + 1 < len(CHAPTERS) else []
    return " · ".join(links)


def faults(titles, opening=False):
    """What is wrong with the headings of the second level."""
    allowed = [title for title in HEADINGS if title != ("Measured" if opening else "The map")]
    others = [f"{title!r} is none of the headings" for title in titles if title not in allowed]
    lacks = [f"{title!r} is missing" for title in allowed if title not in [*titles, *OPTIONAL]]
    have = [title for title in titles if title in allowed]
    order = ["the order is another"] if have != sorted(set(have), key=allowed.index) else []
    return others + lacks + order


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_navigation(path):
    first, last = cells(path)[0].source.splitlines(), cells(path)[-1].source.splitlines()
    assert first[0] == last[-1] == navigation(CHAPTERS.index(path))
    assert first[2].startswith(f"# {CHAPTERS.index(path)} ")
    question = cells(path)[0].source.split("\n\n")[2]
    assert re.fullmatch(r"\*[^*].*\?\*", question, flags=re.S), "a chapter begins with its question"


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_headings(path):
    assert [level for level, _ in headings(path)].count(1) == 1
    assert not faults([title for level, title in headings(path) if level == 2], opening=path == CHAPTERS[0])
    assert any("trap" in title.lower() for _, title in headings(path)), "each chapter shows a trap"
    assert "surprised us" in prose(path), (
        "each chapter names what its author found surprising, with the words 'surprised us'"
    )


def test_headings_that_are_wrong():
    good = [title for title in HEADINGS if title != "The map"]
    assert not faults(good) and not faults([title for title in good if title not in OPTIONAL])
    assert faults(good[1:]) == ["'Predict first' is missing"]
    assert faults([*good[:3], *good[4:], "Live"]) == ["the order is another"]
    assert faults([*good, "Sources"]) == ["the order is another"]
    assert faults([*good, "The map"]) == ["'The map' is none of the headings"]
    assert faults(good, opening=True) == ["'Measured' is none of the headings", "'The map' is missing"]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_pictures_have_words(path):
    """As they are committed, and in the page that nbconvert makes; test_accessibility.py sees them in JupyterLab."""
    data = [output.get("data", {}) for cell in cells(path) for output in cell.get("outputs", [])]
    assert not [each for each in data if "image/png" in each], "JupyterLab shows it without its words: use Picture"
    texts = [each["text/plain"] for each in data if "<img" in each.get("text/html", "")]
    page = BeautifulSoup(HTMLExporter().from_filename(path)[0], "html.parser")
    alts = [picture.get("alt", "") for picture in page.select(".jp-OutputArea-output img")]
    assert texts and alts == texts and all(len(alt) > 30 for alt in alts)


@pytest.mark.parametrize("path", [*CHAPTERS, *PAGES], ids=lambda path: path.parent.name + "-" + path.stem)
def test_links_lead_somewhere(path):
    for address in re.findall(r"\]\(([^)\s]+)\)", markdown(path)):
        name, _, anchor = address.partition("#")
        if name.startswith("http"):
            continue
        target = (path.parent / name) if name else path
        assert target.exists(), address
        assert not anchor or anchor in anchors(target), address


@pytest.mark.parametrize("path", [*CHAPTERS, *PAGES], ids=lambda path: path.parent.name + "-" + path.stem)
def test_prose_reads_on(path):
    assert not halts(prose(path))


@pytest.mark.parametrize("pattern", HALTING)
def test_a_pattern_catches_its_example(pattern):
    assert re.search(pattern, HALTING[pattern], flags=re.I) and halts(f"We see:\n{HALTING[pattern]}.")
