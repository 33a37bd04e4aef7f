"""`python -m lossary` is `lossary`."""

from lossary.cli import main

main()
