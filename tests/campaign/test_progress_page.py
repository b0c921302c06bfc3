"""The progress as a page: it says what the progress holds, and loads itself again until the end."""

import re
from datetime import UTC, datetime

import pytest

from coatline.campaign import progress
from coatline.campaign.progress import Progress
from coatline.campaign.progress_page import LISTED, format_page, is_over
from coatline.cli import main

MOMENT = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)


def make_progress(done=3, running=1, **changes):
    values = {
        "name": "small",
        "head": "Snakemake runs",
        "jobs": {"slurry": 2, "dry": 4},
        "done": {"slurry": min(done, 2), "dry": max(0, done - 2)},
        "running": {f"manufacture.y0{k}.dry": "process 7" for k in range(running)},
        "failed": {},
        "blown_up": [],
        "end": 120.0 if running else None,
    }
    return Progress(**values | changes)


def test_the_page_says_what_there_is():
    failed = {"measure.y00c1": ("memory", "killed by <signal> & more")}
    page = format_page(make_progress(failed=failed, blown_up=["y07"]), MOMENT, 45)
    assert "3 of 6 jobs are done" in page and "About 2 min left" in page
    assert re.findall(r'<progress max="(\d+)" value="(\d+)"', page) == [("2", "2"), ("4", "1")]
    assert "manufacture.y00.dry: process 7" in page and "y07" in page
    assert "killed by &lt;signal&gt; &amp; more" in page and "<signal>" not in page
    assert '<meta http-equiv="refresh" content="45">' in page
    assert "2024-05-06 07:08:09+00:00" in page
    assert not re.search(r'(src|href)="(?!data:)', page)


def test_it_stops_loading_itself_once_all_is_done():
    ended, idle = make_progress(6, 0), make_progress(3, 0)
    assert is_over(ended) and not is_over(idle) and not is_over(make_progress(6, 1))
    assert "refresh" not in format_page(ended, MOMENT, 30)
    assert "All done." in format_page(ended, MOMENT, 30)
    assert "refresh" in format_page(idle, MOMENT, 30)
    assert "Nothing runs." in format_page(idle, MOMENT, 30)


def test_of_many_jobs_the_first_are_listed():
    page = format_page(make_progress(running=LISTED + 5), MOMENT, 30)
    assert page.count("<li class") == LISTED and "and 5 more" in page


def test_the_command_writes_it_again_until_the_end(tmp_path, monkeypatch, capsys):
    rounds = iter([make_progress(2), make_progress(4), make_progress(6, 0)])
    file, seen = tmp_path / "folder" / "progress.html", []
    monkeypatch.setattr(progress, "look_at", lambda plan: next(rounds))

    def sleep(seconds):
        seen.append((seconds, re.search(r"<b>(\d) of 6", file.read_text()).group(1)))

    monkeypatch.setattr("time.sleep", sleep)
    command = ["status", "--configfile", "config/demo.yaml", "--html", str(file)]
    assert main([*command, "--every", "5"]) == 0
    assert seen == [(5, "2"), (5, "4")]
    assert "All done." in file.read_text()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "options", [["--every", "5"], ["--html", "x.html", "--every", "0"], ["--html", "x", "--json"]]
)
def test_options_that_do_not_go_together_are_one_line(options, capsys):
    assert main(["status", "--configfile", "config/demo.yaml", *options]) == 2
    assert re.fullmatch(r"coatline: error: --(every|html): [^\n]+\n", capsys.readouterr().err)
