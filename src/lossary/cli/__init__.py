"""The doors: `lossary COMMAND`. Each command is a function in a file of its own; here their errors end."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line: exit code 0 done, 1 a defect, 2 a mistake in what was asked, 130 interrupted."""
    from lossary.core.errors import LossaryError

    try:
        from lossary.cli.app import app

        app()
    except LossaryError as error:
        _stop(str(error))
    except KeyboardInterrupt:
        sys.exit(130)  # 128 + SIGINT, as a shell says it
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("lossary"):
            raise
        _stop(f'{error.name} is not installed; run: pip install "lossary[report]"')


def _stop(sentence: str) -> None:
    print(f"Error: {sentence}", file=sys.stderr)
    sys.exit(2)
