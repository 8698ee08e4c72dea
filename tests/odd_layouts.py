"""All odd folders, lists and descriptions."""

from odd_descriptions import DESCRIPTIONS
from odd_folders import FOLDERS
from odd_lists import CELLS, NAMES
from odd_sets import SETS

KINDS = [*FOLDERS, *NAMES, *CELLS, *SETS, *DESCRIPTIONS]
