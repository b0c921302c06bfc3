"""Values of Snakemake's command line and profile: with their types, and no way into a shell."""

import shlex
import subprocess

import pytest
from snakemake_interface_executor_plugins.utils import format_cli_value

from coatline.campaign.forecast import forecast
from coatline.campaign.given import check_carried, merge_given, restore_types
from coatline.campaign.profile import read_profile
from coatline.errors import ConfigError
from tests.campaign.test_cost import ROOT, plan_of


def test_types_are_those_of_a_file():
    """Snakemake leaves all that is in braces as text."""
    given = {
        "cluster": {"longest_job": "1440", "largest_memory": "null"},
        "x": ["1.5", "true", 3],
        "learn": {"seeds": "15"},
    }
    assert restore_types(given) == {
        "cluster": {"longest_job": 1440, "largest_memory": None},
        "x": [1.5, True, 3],
        "learn": {"seeds": 15},
    }
    texts = {
        "engine": {"launcher": "", "command": "7"},
        "campaign": {"name": "2024_06", "seed": "7"},
    }
    texts["campaign"]["dataset"] = "12"
    kept = restore_types(texts)
    assert kept["engine"] == {"launcher": "", "command": "7"}, "what is text stays text"
    assert kept["campaign"] == {"name": "2024_06", "seed": 7, "dataset": "12"}


def test_blocks_are_merged_key_by_key():
    config = {"engine": {"command": "lmp", "threads": 2}, "material": "nmc111"}
    merged = merge_given(config, {"engine": {"threads": 4}, "cluster": {"longest_job": 9}})
    assert merged["engine"] == {"command": "lmp", "threads": 4}
    assert merged["cluster"] == {"longest_job": 9} and config["engine"]["threads"] == 2


HARMLESS = (
    "/home/a b/coatline",
    "/home/it's/coatline",
    "engine={command: lmp_mpi, launcher: 'srun --overlap --mpi=pmi2 -n {threads}', threads: 16}",
    'campaign={"name": "x"}',
    "a;b|c&d>e*f?g#h",
    "$(touch pwned)",
)
HARMFUL = (
    "engine={command: '$(touch pwned)'}",
    "it's `touch pwned`",
    "'a' \"b\"",
    "back\\slash",
    "two\nlines",
    "'; touch pwned; '",
)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_passes_comes_out_of_a_shell_as_it_went_in(text):
    check_carried({"--config": [text]})
    assert read_by_shell(text) == text


@pytest.mark.parametrize("text", HARMFUL)
def test_what_a_shell_would_read_otherwise_is_refused(text, tmp_path):
    assert read_by_shell(text, tmp_path) != text, "the test itself: it does harm"
    with pytest.raises(ConfigError, match=r"--config .*quotes"):
        check_carried({"--config": [text]})


def read_by_shell(text, folder=None):
    """What a shell makes of a text as Snakemake writes it into a job script."""
    command = f"printf %s {format_cli_value(text, quote=True)}"
    return subprocess.run(["sh", "-c", command], capture_output=True, text=True, cwd=folder).stdout


def write_profile(folder, text):
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    return str(folder)


def test_profile_says_jobs_groups_engine_and_limits(tmp_path):
    shipped = (ROOT / "profiles/slurm/config.yaml").read_text(encoding="utf-8")
    profile = read_profile(write_profile(tmp_path, uncomment(shipped)))
    assert profile.jobs == 200 and profile.groups["measure"] == profile.groups["calender"]
    assert profile.given["engine"]["threads"] == 16
    assert profile.given["cluster"] == {"longest_job": 1440, "largest_memory": 64000}
    assert shlex.split(profile.given["engine"]["launcher"])[0] == "srun"
    text = "executor: slurm\njobs: 5\nconfig: ['engine={command: 7, launcher: , threads: 2}']\n"
    engine = read_profile(write_profile(tmp_path, text)).given["engine"]
    assert engine == {"command": "7", "launcher": "", "threads": 2}, "as on the command line"


def uncomment(text):
    """The shipped profile with its place for limits and LAMMPS in force."""
    lines = text.splitlines()
    start = lines.index("# config:")
    lines[start : start + 3] = [line.removeprefix("# ") for line in lines[start : start + 3]]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cores: 2\n", "executor = None"),
        ("executor: slurm\n", "jobs = None"),
        ("executor: slurm\njobs: 5\nconfig: [engine]\n", "key=value"),
        ("executor: slurm\njobs: 5\nconfig: engine\n", "list"),
    ],
)
def test_profile_that_cannot_be_used_is_named(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message):
        read_profile(write_profile(tmp_path, text))
    with pytest.raises(ConfigError, match="there is no"):
        read_profile(str(tmp_path / "none"))


def test_forecast_on_slurm_takes_jobs_ranks_and_looks(tmp_path):
    plan = plan_of(tmp_path)
    few = read_profile(write_profile(tmp_path, "executor: slurm\njobs: 10\n"))
    alone, slurm = forecast(plan, 10), forecast(plan, 10, profile=few)
    assert slurm.cores == slurm.queue == 10 and slurm.core_hours == alone.core_hours
    # Five jobs in a row bring seconds of their own, and are looked at late.
    assert slurm.critical > alone.critical + 4 * (6 + 20)
    grouped = "executor: slurm\njobs: 10\ngroups: {calender: '{sample}', measure: '{sample}'}\n"
    one = forecast(plan, 10, profile=read_profile(write_profile(tmp_path, grouped)))
    assert one.critical < slurm.critical and one.submitted == slurm.submitted - 177
    large = plan_of(tmp_path, electrode={"solid_mass": 5}, engine={"threads": 4})
    assert forecast(large, 1, profile=few).cores == 40


def test_limits_that_are_too_tight_are_said(tmp_path):
    tight = plan_of(tmp_path, cluster={"longest_job": 1, "largest_memory": 500})
    notes = "\n".join(forecast(tight, 2).notes)
    assert "measure needs some" in notes and "cluster.largest_memory is 500: it will fail" in notes
    assert "press takes some" in notes and "the same command goes on" in notes
    assert forecast(plan_of(tmp_path), 2).notes == ()


def test_disk_at_peak_is_bounded_by_the_jobs_there_are(tmp_path):
    plan = plan_of(tmp_path)
    assert forecast(plan, 200).disk_peak == forecast(plan, 4000).disk_peak
