"""All odd folders and lists."""

from odd_folders import FOLDERS
from odd_lists import CELLS, NAMES
from odd_sets import DESCRIPTIONS, SETS

KINDS = [*FOLDERS, *NAMES, *CELLS, *SETS, *DESCRIPTIONS]
