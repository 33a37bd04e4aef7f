"""Where tables come from: a file, a folder of pictures, a frame, arrays, or a set that ships inside a package."""

from lossary.lab.data.embedded import EMBEDDED, Embedded, sets
from lossary.lab.data.reading import read
from lossary.lab.data.table import Reading, Table

__all__ = ["EMBEDDED", "Embedded", "Reading", "Table", "read", "sets"]
