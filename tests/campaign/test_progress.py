"""Progress: what runs, what failed and by what cause, and when it will end, from files alone."""

import json

from coatline.campaign.claims import describe_self
from coatline.campaign.progress import format_progress, look_at
from tests.campaign.test_cost import plan_of, write_benchmark


def leave(plan, name, **facts):
    """Leave a claim of a job."""
    path = plan.folder / "jobs" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"rule": name.rpartition(".")[2], "cores": 1, **facts}))


def test_a_campaign_at_work(tmp_path):
    plan = plan_of(tmp_path)
    leave(plan, "manufacture.y00.dry", **describe_self())
    for slurry, cause in (("y01", "memory"), ("y02", "time"), ("y03", "memory")):
        leave(plan, f"manufacture.{slurry}.dry", ended="now", cause=cause, line=f"{cause} is out")
    leave(plan, "manufacture.y04.dry", **describe_self() | {"pid": 1, "ticks": -1})
    blown = plan.folder / "manufacture/y05c0/calendered.data.gz"
    blown.parent.mkdir(parents=True)
    blown.touch()
    seen = look_at(plan)
    assert list(seen.running) == ["manufacture.y00.dry"]
    assert seen.failed["manufacture.y03.dry"] == ("memory", "memory is out")
    assert seen.describe()["causes"] == {"memory": 2, "time": 1, "killed": 1}
    assert seen.blown_up == ["y05c0"]
    text = format_progress(seen)
    assert "4 jobs without a result, 2 by memory, 1 by time, 1 by killed:" in text
    assert "failed simulations: y05c0" in text


def test_the_end_follows_what_has_been_measured(tmp_path):
    """Ten times slower than foreseen until now: ten times as long until the end."""
    plan = plan_of(tmp_path)
    leave(plan, "manufacture.y00.calender", **describe_self())
    foreseen = look_at(plan).end
    assert foreseen > 3600
    for slurry in ("y01", "y02"):
        for rule, seconds in (("slurry", 50), ("dry", 350), ("press", 800)):
            path = plan.folder / "benchmarks" / "manufacture" / f"{slurry}.{rule}.tsv"
            write_benchmark(path, seconds, seconds, 300)
        path = plan.folder / "benchmarks" / "manufacture" / f"{slurry}c0.calender.tsv"
        write_benchmark(path, 150, 150, 300)
        write_benchmark(plan.folder / f"benchmarks/measure/{slurry}c0.tsv", 90, 90, 300)
    assert 7 * foreseen < look_at(plan).end < 13 * foreseen
    leave(plan, "manufacture.y00.calender", ended="now", cause="stopped", line="")
    assert look_at(plan).end is None, "nothing runs"
