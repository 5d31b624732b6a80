"""How Sphinx builds the documentation: `make docs`."""

from importlib.metadata import version as version_of

project = "MerkL"
author = "The MerkL authors"
version = release = version_of("merkl")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "furo"
html_title = f"MerkL {version}"
html_show_copyright = False
html_show_sphinx = False

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_default_options = {"members": True, "show-inheritance": True}
