"""`python -m lossary.cli`: the same as `lossary`."""

from . import main

main()
