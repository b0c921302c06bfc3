"""The graph of jobs, read from the rule files. That Snakemake has the same is tested with it."""

from collections import Counter
from pathlib import Path

import yaml

from coatline.campaign.graph import expand, read_graph
from coatline.campaign.plan import make_plan

CONFIG = Path(__file__).resolve().parents[2] / "config" / "demo.yaml"


def graph_of(folder=Path("results"), **blocks):
    mapping = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    for name, values in blocks.items():
        mapping[name] |= values
    return read_graph(make_plan(mapping, str(CONFIG), results=folder))


def count(keys):
    return Counter(rule for rule, _ in keys)


def test_jobs_come_after_what_they_take():
    graph = graph_of(optimise={"rounds": 99, "batch": 1})
    seen = set()
    for key, job in graph.jobs.items():
        assert seen.issuperset(job.before)
        seen.add(key)
    assert count(graph.jobs)["propose"] == 99
    assert len({file for job in graph.jobs.values() for file in job.outputs}) == sum(
        len(job.outputs) for job in graph.jobs.values()
    )


def test_jobs_know_their_files():
    graph = graph_of()
    job = graph.jobs["calender", "y01c2"]
    assert set(job.before) == {("press", "y01")}
    assert all(
        file.startswith("results/demo/manufacture/y01/") for file in job.before["press", "y01"]
    )
    assert "results/demo/manufacture/y01c2/calendered.data.gz" in job.outputs
    late = graph.jobs["slurry", "p0102"]
    assert late.before == {("propose", "1"): ["results/demo/optimise/round1/recipe02.json"]}


def test_what_is_missing_and_what_follows_is_needed():
    graph = graph_of()
    files = {file for job in graph.jobs.values() for file in job.outputs}
    assert graph.find_needed(files.__contains__) == set()
    assert graph.find_needed(lambda file: False) == set(graph.jobs)
    gone = files - {"results/demo/manufacture/y00/press.nc"}
    assert graph.find_needed(gone.__contains__) == set(), "nobody needs it any more"
    gone = files - {"results/demo/report/index.html"}
    assert graph.find_needed(gone.__contains__) == {("write_page", "")}
    # A round is gathered again, and what follows is made again, but for what was proposed.
    gone = files - {f"results/demo/optimise/{name}.nc" for name in ("round1/electrodes", "front")}
    needed = count(graph.find_needed(gone.__contains__))
    assert needed["fit"] == needed["gather_round"] == 1 and needed["propose"] == 0


def test_growth_is_linear():
    few, many = (len(graph_of(design={"slurries": n}).jobs) for n in (16, 32))
    assert many - few == 16 * (3 + 2 * 4) + 1  # and one chunk more


def test_expand_takes_all_combinations_and_leaves_wildcards():
    assert expand("{{s}}/{a}{b}", a="xy", b=["1", "2"]) == ["{s}/xy1", "{s}/xy2"]
