"""How the documentation becomes a site: `make docs`, without network."""

project = "Onpace"
author = "The Onpace authors"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
root_doc = "index"
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "Onpace"
html_show_copyright = False
# Headings are link targets, as on the pages of a repository.
myst_heading_anchors = 4
myst_links_external_new_tab = False
nitpicky = True
highlight_language = "none"
