"""The command line, in this process."""

from click.testing import CliRunner, Result

from service.cli import main
from tests.support.portal import Installation


def run(installation: Installation, *arguments: str) -> Result:
    """Run a command to its end, with the settings of an installation."""
    return CliRunner().invoke(main, ["--config", str(installation.config), *arguments])
