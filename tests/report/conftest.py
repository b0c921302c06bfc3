import pytest

from tests.report.whole import write_campaign


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """Gathered files of a small campaign, its optimum made."""
    return write_campaign(tmp_path_factory.mktemp("whole") / "small", 6, 4, failed=(3,))
