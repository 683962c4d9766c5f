"""Sphinx: how the site is made of the lessons, their last runs and the docstrings."""

import os
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from pages import docstrings, exercises, guides, index, lessons, reference  # noqa: E402

project = "handmade"
author = "the handmade-dl authors"
copyright = author
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
extensions += ["sphinx.ext.viewcode"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["locale"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
suppress_warnings = ["myst.xref_missing"]
default_role = "literal"
autodoc_member_order = "bysource"
autodoc_typehints = "none"
napoleon_use_rtype = False
locale_dirs = ["../../compare/locale", "locale"]  # sphinx.po: the words of the theme
gettext_compact = "compare"
gettext_location = False
html_theme = "furo"
html_title = "handmade"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
RUNS = Path(os.environ.get("HANDMADE_RUNS", HERE.parent.parent / "runs"))
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "languages.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
    ]
}
templates_path = ["templates"]


def setup(app: Any) -> None:
    """Write the generated pages before Sphinx looks for any."""
    index.write(HERE)
    lessons.write(HERE / "lessons", RUNS)
    exercises.write(HERE / "exercises")
    reference.write(HERE / "reference")
    guides.write(HERE / "guides", HERE.parent)
    app.connect("autodoc-process-docstring", docstrings.to_rst, priority=400)
