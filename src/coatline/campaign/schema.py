"""JSON schema of the configuration, for editors: `python -m coatline.campaign.schema`."""

import json
import sys
from pathlib import Path

from coatline.campaign.config.load import ROOT, Config

FILE = ROOT / "config" / "schema.json"
"""Where the schema is kept."""


def make_schema() -> str:
    """Make the JSON schema of `Config` as text."""
    schema = Config.model_json_schema()
    path = {"type": "string", "description": "path of a CSV file"}
    schema["$defs"]["Design"]["properties"]["recipes"]["anyOf"].insert(0, path)
    own = schema["$defs"]["Optimise"]["properties"]["recipes"]
    own["anyOf"] = [path, {key: own.pop(key) for key in ("items", "type")}]
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "coatline campaign",
        "description": schema.pop("description"),
    }
    schema.pop("title")
    return json.dumps(head | schema, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the schema to `config/schema.json`, or to the path given."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else FILE
    path.write_text(make_schema(), encoding="utf-8")


if __name__ == "__main__":
    main()
