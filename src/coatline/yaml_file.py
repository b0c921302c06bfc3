"""Reading a YAML file with errors that name the line, and without keys given twice."""

from pathlib import Path
from typing import Any

import yaml

from coatline.errors import ConfigError


class _Loader(yaml.SafeLoader):
    """Safe loader that refuses a key given twice, where YAML would silently take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            if isinstance(key_node, yaml.ScalarNode) and key_node.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"key {key_node.value} is given twice; keep one",
                    problem_mark=key_node.start_mark,
                )
            if isinstance(key_node, yaml.ScalarNode):
                seen.add(key_node.value)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML mapping.

    Raises:
        ConfigError: the file is missing, unreadable, no YAML or no mapping, or has a key twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file; see config/demo.yaml for one") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is not UTF-8 text; see config/demo.yaml for a config") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        mapping = yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f", line {mark.line + 1}" if mark else ""
        problem = " ".join(str(error.problem).split())
        raise ConfigError(f"{path}{where}: cannot be read as YAML: {problem}") from None
    except (yaml.YAMLError, TypeError, ValueError) as error:
        problem = " ".join(str(error).split())
        raise ConfigError(f"{path}: cannot be read as YAML: {problem}") from None
    if not isinstance(mapping, dict):
        raise ConfigError(f"{path}: must hold keys and values, as config/demo.yaml does")
    return mapping
