"""What a campaign was started with: its jobs check that code and configuration are still the same.

Snakemake's head process writes it into the environment, which all jobs inherit, also through SLURM.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from coatline.campaign.fingerprint import Fingerprints
from coatline.errors import CoatlineError

VARIABLE = "COATLINE_STARTED"
"""Environment variable: JSON with `config` and, by script, the physics hash and the decks."""


class ChangedCode(CoatlineError):
    """Code or configuration is no longer what the campaign was started with."""


def hash_config(config: Mapping[str, Any]) -> str:
    """Hash a resolved configuration; 16 hexadecimal digits."""
    text = json.dumps(config, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def declare_start(config: Mapping[str, Any], rules: Mapping[str, list[str]]) -> None:
    """Let all jobs know what the campaign is started with.

    Args:
        config: resolved configuration.
        rules: name of a script → its physics hash, then its decks.
    """
    os.environ[VARIABLE] = json.dumps({"config": hash_config(config), "rules": dict(rules)})


def check_start(
    config: Mapping[str, Any], script: Path, decks: Path, store: Path | None = None
) -> None:
    """Check that a job runs with what its campaign was started with; nothing where none says.

    Args:
        config: resolved configuration as the job sees it.
        script: the job's script.
        decks: folder of the LAMMPS decks.
        store: where digests of the code are remembered.

    Raises:
        ChangedCode: something differs.
    """
    text = os.environ.get(VARIABLE)
    if not text:
        return
    started = json.loads(text)
    advice = "nothing was mixed; let this run end, then start it again"
    if started["config"] != hash_config(config):
        raise ChangedCode(f"the configuration was changed while the campaign runs: {advice}")
    known = started["rules"].get(script.stem)
    if known is None:
        return
    # Read anew: this process may have looked at the files before they were edited.
    now = Fingerprints(store).hash_physics(
        decks=[decks / deck for deck in known[1:]], script=script
    )
    if now != known[0]:
        raise ChangedCode(
            f"the code behind {script.stem} was changed while the campaign runs: {advice}"
        )
