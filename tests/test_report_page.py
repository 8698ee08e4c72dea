"""The page that ``snakemake --report`` makes of a finished run: what it shows, where, how named."""

import base64
import re
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tiny import REPO, Page, report_page, snakemake
from tiny_run import Run

RULES = "\n".join(
    path.read_text(encoding="utf-8") for path in sorted((REPO / "rules").glob("*.smk"))
)
SYSTEMS = ("cnn_logmel", "vgg_fewer_semi")
# Path below results/four -> category, subcategory ("Other": none), labels.
RESULTS = {
    "page.html": ("1 Results", "Other", {"content": "scores, figures and errors"}),
    "report/clips_per_class.svg": ("2 Data", "Other", {"content": "train clips per class"}),
    **{
        f"report/tsne_latent_two_{group}.png": (
            "3 Labels",
            "Other",
            {"content": "t-SNE", "spreading": "latent_two", "group": group},
        )
        for group in ("music", "non_music")
    },
    **{
        f"report/history_{system}_seed1_fold0.svg": (
            "4 Training",
            "seed 1",
            {"system": system, "fold held out": "0"},
        )
        for system in SYSTEMS
    },
}
EXPECTED = {f"results/four/{path}": entry for path, entry in RESULTS.items()}
EXPECTED["results/four/submission.csv"] = (
    "1 Results",
    "Other",
    {"content": "submission.csv"},
)


@pytest.fixture(scope="module")
def run(finished: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    copied = finished.copy(tmp_path_factory.mktemp("report_page"))
    copied.overlay.pop("sounds")
    return copied


@pytest.fixture(scope="module")
def page(run: Run) -> Page:
    # Proxies that nobody serves: a page that fetches something would fail here.
    with pytest.MonkeyPatch.context() as patch:
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
            patch.setenv(name, "http://127.0.0.1:9")
        return report_page(run.directory, overlay=run.overlay)


def shown(page: Page) -> dict[str, tuple[str, str, dict[str, str]]]:
    labels = {path: entry["labels"] for path, entry in page.data("results").items()}
    return {path: (*place, labels[path]) for path, place in page.sections().items()}


def test_every_caption_is_used_and_every_result_has_one() -> None:
    named = re.findall(r'caption="captions/(\w+\.rst)"', RULES)
    assert len(named) == len(re.findall(r"\breport\(", RULES))
    assert 'report: "rules/captions/workflow.rst"' in (REPO / "Snakefile").read_text()
    there = {path.name for path in (REPO / "rules/captions").iterdir()}
    assert there == {*named, "workflow.rst"}


def test_every_result_has_a_section_that_the_first_page_describes() -> None:
    sections = dict(re.findall(r'^(\w+_SECTION) = "(.*)"$', RULES, re.M))
    assert len(sections) >= 5
    assert set(re.findall(r"\bcategory=(\w+)", RULES)) == set(sections)
    described = (REPO / "rules/captions/workflow.rst").read_text(encoding="utf-8")
    assert set(re.findall(r"^- \*(.*?)\*: ", described, re.M)) == set(sections.values())


def test_the_page_shows_these_files_in_these_places(page: Page) -> None:
    assert shown(page) == EXPECTED


def test_what_is_shown_is_what_was_made(page: Page, run: Run) -> None:
    kinds = {"html": "text/html", "svg": "image/svg+xml", "png": "image/png", "csv": "text/csv"}
    for path, entry in page.data("results").items():
        assert entry["mime_type"] == kinds[path.rsplit(".", 1)[1]]
        content = base64.b64decode(entry["data_uri"].split("base64,", 1)[1])
        assert content == (run.directory / path).read_bytes(), path


def test_captions_and_the_first_page_are_of_this_run(page: Page) -> None:
    captions = {path: entry["caption"] for path, entry in page.data("results").items()}
    assert all(captions.values())
    assert "<em>cnn_logmel</em>" in captions["results/four/submission.csv"]
    words = " ".join(re.sub(r"<[^>]*>", " ", page.data("workflow_desc")).split())
    assert "Data set: four Submission: cnn_logmel Seeds: 1;" in words
    for category in {category for category, _, _ in EXPECTED.values()}:
        assert f"<em>{category}</em>" in page.data("workflow_desc")


def test_rules_their_code_and_run_times_are_there(page: Page) -> None:
    nodes, *_ = (part["values"] for part in page.data("rulegraph_spec")["data"])
    names = {node["rule"] for node in nodes}
    assert {"inspect_clips", "train_model", "selftrain_round", "score", "all"} <= names
    assert "def main(" in re.sub(r"<[^>]*>", "", page.data("rules")["train_model"]["code"])
    times = page.data("runtimes_spec")["data"]["values"]
    timed = {time["rule"] for time in times}
    assert {"train_model", "selftrain_round", "plot_tsne", "score"} <= timed <= names
    assert all(time["runtime"] > 0 for time in times)


def test_the_page_needs_nothing_from_elsewhere(page: Page) -> None:
    found: list[tuple[str, str | None]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.extend((f"{tag} {name}", value) for name, value in attrs)

    Reader().feed(page.html)
    assert ("script id", "results") in found
    assert not [pair for pair in found if pair[0].split()[1] in ("src", "href")]
    # The profile's style: tall figures can be scrolled to their top.
    assert "safe center" in page.html


def test_an_archive_has_the_same_files(run: Run) -> None:
    code, text = snakemake(run.directory, "--report", "report.zip", overlay=run.overlay)
    assert code == 0, text
    with zipfile.ZipFile(run.directory / "report.zip") as archive:
        names = [Path(name).name for name in archive.namelist()]
        inside = {Path(name).name: archive.read(name) for name in archive.namelist()}
    assert sorted(names) == sorted(["report.html", *(Path(path).name for path in EXPECTED)])
    for path in EXPECTED:
        assert inside[Path(path).name] == (run.directory / path).read_bytes()


def test_without_a_truth_there_is_a_page_without_scores(run: Run) -> None:
    truths = [run.made.folder / name for name in ("test_post_competition.csv", "train_truth.csv")]
    away = [(path, path.with_suffix(".away")) for path in truths]
    for path, other in away:
        path.rename(other)
    try:
        page = report_page(run.directory, overlay=run.overlay)
    finally:
        for path, other in away:
            other.rename(path)
    judged = {f"results/four/{name}.html" for name in ("scores", "label_quality")}
    assert shown(page) == {path: EXPECTED[path] for path in EXPECTED if path not in judged}
