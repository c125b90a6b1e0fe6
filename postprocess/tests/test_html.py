"""The pages of `report`: what they tell, that they hold all they show, that values stay text."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from PIL import Image
from pages import HOSTILE, HOSTILE_NAME, Document, all_pages, report, two_layers
from synthetic import (
    bump_groups,
    gabor_groups,
    plausible_history,
    write_network,
    write_run,
    write_sweep,
)

from weftpost.__main__ import main
from weftpost.figures import atoms, history, style
from weftpost.html import numbers
from weftpost.html.figure import embed
from weftpost.html.history import MOST_ROWS, thinned
from weftpost.html.markup import tag
from weftpost.runfile import read_run

KINDS = ("run", "network", "sweep")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return all_pages(tmp_path_factory.mktemp("pages"))


@pytest.fixture(scope="module")
def documents(pages: dict[str, Path]) -> dict[str, Document]:
    return {name: Document(path) for name, path in pages.items()}


@pytest.fixture(params=KINDS)
def document(request: pytest.FixtureRequest, documents: dict[str, Document]) -> Document:
    return documents[request.param]


def test_landmarks_headings_and_names_are_in_order(document: Document) -> None:
    assert [e.attributes.get("lang") for e in document.all("html")] == ["en"]
    for name in ("main", "nav", "header", "footer", "h1", "title"):
        assert len(document.all(name)) == 1
    levels = [int(e.tag[1]) for e in document.all("h1", "h2", "h3", "h4", "h5", "h6")]
    assert levels[0] == 1 and 2 in levels
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:]))
    first_link = document.all("a")[0]
    assert first_link.attributes["href"] == "#main" and "Skip" in first_link.text


def test_ids_are_there_once_and_links_and_labels_lead_to_them(document: Document) -> None:
    ids = [e.attributes["id"] for e in document.elements if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    targets = [str(e.attributes["href"])[1:] for e in document.all("a")]
    targets += [str(e.attributes["aria-labelledby"]) for e in document.all("section")]
    assert set(targets) <= set(ids)


def test_pictures_have_words_with_figures_and_sizes(document: Document) -> None:
    pictures = document.all("img")
    assert pictures
    for picture in pictures:
        assert re.search(r"\d", picture.attributes["alt"] or "")
        assert int(picture.attributes["width"] or 0) > 500
        assert picture.inside("figure")
    assert len(document.all("figcaption")) == len(pictures)


def test_tables_have_captions_scopes_and_a_named_region(document: Document) -> None:
    assert document.all("table")
    for table in document.all("table"):
        frame = table.parents[-1].attributes
        assert frame["role"] == "region" and frame["tabindex"] == "0" and frame["aria-label"]
    assert len(document.all("caption")) == len(document.all("table"))
    for head in document.all("th"):
        assert head.attributes["scope"] == ("col" if head.inside("thead") else "row")
        assert head.text.strip()


def test_nothing_is_asked_of_anywhere(document: Document) -> None:
    for element in document.elements:
        for name, value in element.attributes.items():
            assert name not in ("style", "srcset") and not name.startswith("on")
            if name in ("src", "href"):
                assert re.match(r"data:|#", value or ""), value
    assert not document.all("iframe", "object", "embed", "form", "base")
    assert not re.search(r"url\(|@import|fetch\(|import\(", document.all("style")[0].text)
    assert not re.search(r"\bfetch\b|XMLHttp|\bimport\b|https?:", document.all("script")[0].text)


def test_policy_allows_the_own_style_and_script_alone(document: Document) -> None:
    metas = [e.attributes for e in document.all("meta")]
    policy = next(m["content"] for m in metas if m.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.strip().split(" ", 1) for rule in str(policy).split(";"))
    assert rules["default-src"] == "'none'" and rules["img-src"] == "data:"
    for kind in ("style", "script"):
        (only,) = document.all(kind)
        digest = base64.b64encode(hashlib.sha256(only.text.encode()).digest()).decode()
        assert rules[f"{kind}-src"] == f"'sha256-{digest}'"


def test_markup_escapes_text_and_attributes_and_nothing_twice() -> None:
    inner = tag("b", "<&>")
    whole = tag("p", inner, '"', id='"<', hidden=True, title=None)
    assert whole == '<p id="&quot;&lt;" hidden><b>&lt;&amp;&gt;</b>&quot;</p>'


def test_hostile_names_and_values_stay_text(tmp_path: Path) -> None:
    run = two_layers(tmp_path / HOSTILE_NAME)
    with h5py.File(run, "a") as file:
        del file["/options"]
        file["/options"] = f"data: {HOSTILE}\n{HOSTILE}: 1\n"
        file.attrs["git"] = HOSTILE
    document = Document(report(run, tmp_path / "page.html"))
    assert document.all("h1")[0].text == HOSTILE_NAME
    assert HOSTILE in document.all("main")[0].text
    assert len(document.all("script")) == 1 and not document.all("b")
    assert all((e.attributes["src"] or "").startswith("data:") for e in document.all("img"))


def test_hostile_sweep_stays_text(documents: dict[str, Document]) -> None:
    document = documents["sweep"]
    assert document.rows("Points that failed")[1][1] == HOSTILE
    assert document.all("pre")[0].text == f"learn: {HOSTILE}"
    assert len(document.all("script")) == 1


def test_run_tells_its_figures(documents: dict[str, Document]) -> None:
    document = documents["run"]
    lead = next(e.text for e in document.all("p") if e.inside("main"))
    assert "2 layers" in lead and "1,000 samples of 144 inputs" in lead and "2 ranks" in lead
    told = dict(zip((e.text for e in document.all("dt")), values(document)))
    assert told["bits"] == "30.00" and told["alive groups"] == "29"
    layers = {row[0]: row[1:3] for row in document.rows("Each layer")[1:]}
    assert layers["inputs"] == ["144", "30"] and layers["λ"] == ["1.25", "unknown"]
    information = document.rows("Information of the outputs")[1:]
    assert [row[2] for row in information] == ["", "+50.0 %", "+1.0 %"]
    assert [row[4] for row in information] == ["kept", "kept", "dropped"]
    titles = [e.text for e in document.all("h2", "h3")]
    assert titles.count("How it was learned") == 2
    assert {"Atoms", "Receptive fields", "Pools", "What feeds it", "Options"} <= set(titles)
    assert not [e for e in document.all("p") if e.attributes.get("class") == "caution"]


def values(document: Document) -> list[str]:
    return [e.text for e in document.all("dd") if e.attributes.get("class") == "value"]


def test_checkpoint_and_notes_are_said_first(tmp_path: Path) -> None:
    options: dict[str, Any] = {"attributes": {"complete": 0}, "history": plausible_history(3)}
    run = write_run(tmp_path / "run.h5", bump_groups(50, 9, 2), 2, **options)
    document = Document(report(run, tmp_path / "page.html"))
    said = [e.text for e in document.all("p") if e.attributes.get("class") == "caution"]
    assert "checkpoint, after 3 batches" in said[0] and "along a line" in said[1]


def test_bare_run_is_no_fault(tmp_path: Path) -> None:
    """One layer, nothing alive, nothing recorded, no options; groups of one atom."""
    options: dict[str, Any] = {"removed": (0, 1, 2), "history": plausible_history(0)}
    atoms_of_one = gabor_groups((9, 9), 1, 3, 1)
    run = write_run(tmp_path / "run.h5", atoms_of_one, 1, shape=(9, 9), **options)
    document = Document(report(run, tmp_path / "page.html"))
    titles = [e.text for e in document.all("h2", "h3")]
    assert "The layer" in titles and "How it was learned" not in titles


def test_history_that_went_wrong_is_shown(tmp_path: Path) -> None:
    columns = plausible_history(5)
    columns["objective"][2:] = np.nan
    columns["max_gap"][:] = np.nan
    run = write_run(tmp_path / "run.h5", gabor_groups((9, 9), 1, 3, 2), 2, history=columns)
    document = Document(report(run, tmp_path / "page.html"))
    assert [row[1] for row in document.rows("History of layer 0")[3:]] == ["unknown"] * 3


def test_long_histories_are_thinned_to_what_can_be_printed() -> None:
    rows = thinned(1000)
    assert len(rows) == MOST_ROWS and rows[0] == 0 and rows[-1] == 999 and rows == sorted(set(rows))
    assert thinned(5) == [0, 1, 2, 3, 4] and thinned(1) == [0]


def test_network_tells_accuracy_structure_and_where_it_is_from(
    documents: dict[str, Document],
) -> None:
    document = documents["network"]
    lead = next(e.text for e in document.all("p") if e.inside("main"))
    assert "1,000 weights" in lead and "run.h5" in lead and "90.00 %" in lead
    assert "90.00 %" in values(document)
    layers = document.rows("Layers of the network")
    assert layers[1][:6] == ["masked 0", "144", "29", "2", "29", "200"]
    assert layers[2][2] == "128" and layers[3][2] == "10"
    history_head, *rows = document.rows("History of training")
    assert history_head[-2:] == ["learning rate", "seconds"] and len(rows) == 3


def test_network_without_its_parts_is_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "net.h5"
    with h5py.File(path, "w") as file:
        file.attrs.update({"complete": 0, "test_accuracy": np.nan})
    document = Document(report(path, tmp_path / "page.html"))
    assert "checkpoint" in document.all("main")[0].text


def test_network_without_test_samples_tells_of_training_alone(tmp_path: Path) -> None:
    path = write_network(tmp_path / "net.h5", np.nan)
    with h5py.File(path, "a") as file:
        file["/history/test_loss"][:] = np.nan
        file["/history/train_accuracy"][:] = 0.5
    (picture,) = Document(report(path, tmp_path / "page.html")).all("img")
    assert "training accuracy from 50.00 %" in picture.attributes["alt"]
    assert "test" not in picture.attributes["alt"]


def test_sweep_names_the_best_and_ranks_it(documents: dict[str, Document]) -> None:
    document = documents["sweep"]
    text = document.all("main")[0].text
    assert "6 points: 5 done, 1 failed" in text and "1 of 6 points are not done" in text
    assert "Best by bits: sparsity=0.5,group_size=10 (15.00 bits), 1st of 5 by accuracy" in text
    best = {row[0]: row[2] for row in document.rows("The best point")[1:]}
    assert best["bits"] == best["test accuracy"] == "sparsity=0.5,group_size=10"
    alts = " ".join(e.attributes["alt"] or "" for e in document.all("img"))
    assert "15.00" in alts and "group_size=10" in alts
    medians = [row for row in document.rows("Median of bits by option") if row[0] == "group_size"]
    expected = [["2", "5.00", "1"], ["4", "8.00", "2"], ["10", "14.00", "2"]]
    assert [row[1:] for row in medians] == expected


def test_sweep_lists_all_points_by_bits_with_the_unknown_last(
    documents: dict[str, Document],
) -> None:
    head, *rows = documents["sweep"].rows("All points of the sweep, most bits first")
    bits = head.index("bits")
    assert [row[bits] for row in rows] == ["15.00", "13.00", "9.00", "7.00", "5.00", ""]
    assert rows[-1][1] == "failed" and head[2:4] == ["sparsity", "group_size"]
    sorted_heads = [e for e in documents["sweep"].all("th") if "aria-sort" in e.attributes]
    assert [(e.text, e.attributes["aria-sort"]) for e in sorted_heads] == [("bits", "descending")]
    assert not documents["sweep"].all("button")  # without a script there is nothing to press


def test_sweep_of_which_nothing_is_known_is_a_table(tmp_path: Path) -> None:
    for point in write_sweep(tmp_path / "s", {"weft_start": ["dense", "local"]}, lambda values: 1):
        for path in point.iterdir():
            path.unlink()
    document = Document(report(tmp_path / "s", tmp_path / "page.html"))
    assert [row[1] for row in document.rows("All points")[1:]] == ["missing", "missing"]
    assert not document.all("img") and "left out: bits" in document.all("main")[0].text


def test_options_that_differ_from_their_defaults_are_marked(tmp_path: Path) -> None:
    defaults = {"-weft_atoms": "1024", "-weft_coder_rtol": "0.001", "-weft_start": "exemplars"}
    entries: list[Any] = [{"name": name, "default": value} for name, value in defaults.items()]
    entries.append({"name": "-data", "default": None})
    verb = {"name": "learn", "options": entries}
    run, help_file = two_layers(tmp_path / "run.h5"), tmp_path / "help.json"
    for found in (verb, {"verbs": [{"name": "train"}, verb]}):
        help_file.write_text(json.dumps(found))
        page = report(run, tmp_path / "page.html", "--defaults", str(help_file))
        rows = Document(page).rows("Options as run")
        assert [row[0] for row in rows if row[-1] == "yes"] == ["weft_atoms"]
        assert [e.text for e in Document(page).all("mark")] == ["60"]


def test_without_an_output_the_page_is_beside_its_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = write_run(tmp_path / "my.run.h5", gabor_groups((9, 9), 1, 3, 2), 2, shape=(9, 9))
    write_sweep(tmp_path / "s", {"weft_sparsity": ["1"]}, lambda values: 1)
    pages = {run: tmp_path / "my.run-report.html", tmp_path / "s": tmp_path / "s" / "sweep.html"}
    for path, expected in pages.items():
        assert main(["report", str(path)]) == 0
        assert capsys.readouterr().out.splitlines() == [str(expected)] and expected.exists()


@pytest.mark.parametrize("case", ["nothing", "directory", "text", "data", "defaults", "other verb"])
def test_mistakes_get_one_line_and_no_page(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = write_run(tmp_path / "run.h5", gabor_groups((9, 9), 1, 3, 2), 2, shape=(9, 9))
    (tmp_path / "text").write_text("{}")
    (tmp_path / "train").write_text('{"name": "train", "options": []}')
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["/train/x"] = np.zeros((2, 2))
    arguments = {
        "nothing": [str(tmp_path / "none.h5")],
        "directory": [str(tmp_path)],
        "text": [str(tmp_path / "text")],
        "data": [str(tmp_path / "data.h5")],
        "defaults": [str(run), "--defaults", str(tmp_path / "text")],
        "other verb": [str(run), "--defaults", str(tmp_path / "train")],
    }[case]
    assert main(["report", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and len(captured.err.splitlines()) == 1
    assert not list(tmp_path.glob("*.html"))


def test_pictures_lose_nothing_and_lines_stay_lines(tmp_path: Path) -> None:
    style.apply()
    run = read_run(write_run(tmp_path / "run.h5", gabor_groups((9, 9), 1, 3, 2), 2, shape=(9, 9)))
    address, width, height = embed(atoms.draw(run, 64))
    assert address.startswith("data:image/png;base64,")
    shown = Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))).convert("RGB")
    assert shown.size == (width, height)
    plain = io.BytesIO()
    atoms.draw(run, 64).savefig(plain, dpi=style.DPI, facecolor="white")
    assert np.array_equal(np.asarray(shown), np.asarray(Image.open(plain).convert("RGB")))
    first, second = (embed(history.draw(run))[0] for _ in range(2))
    assert first.startswith("data:image/svg+xml;base64,") and first == second
    drawing = base64.b64decode(first.partition(",")[2])
    assert b"<image" not in drawing and b"<script" not in drawing


def test_large_run_stays_small(tmp_path: Path) -> None:
    many = gabor_groups((28, 28), 1, 256, 4)
    run = write_run(tmp_path / "run.h5", many, 4, shape=(28, 28), history=plausible_history(160))
    assert report(run, tmp_path / "page.html").stat().st_size < 3e6


@pytest.mark.parametrize(
    "name, value, said",
    [
        ("seconds", 14.71, "14.7 s"),
        ("seconds", 200.4, "3 min 20 s"),
        ("seconds", 8000, "2 h 13 min"),
        ("density", 0.0363, "3.63 %"),
        ("max_gap", 5e-4, "5.0e-04"),
        ("peak_bytes", 347e6, "347 MB"),
        ("weights", 197094, "197,094"),
        ("objective", 205.96, "206"),
        ("bits", float("nan"), "unknown"),
        ("bits", None, "unknown"),
    ],
)
def test_numbers_are_said_as_a_reader_wants_them(name: str, value: float, said: str) -> None:
    assert numbers.said(name, value) == said
