"""Configuration of the documentation: ``sphinx-build -W docs docs/_build/html``."""

import re

import skattnrec

project = "skattnrec"
author = "the skattnrec developers"
project_copyright = "2026, the skattnrec developers"
version = release = skattnrec.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "matplotlib.sphinxext.plot_directive",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "auto_examples/README.rst"]
default_role = "code"

autosummary_generate = True
autodoc_typehints = "none"  # numpydoc sections tell types
numpydoc_show_class_members = False  # the template of classes lists them
numpydoc_xref_param_type = False

plot_html_show_source_link = False
plot_html_show_formats = False
plot_formats = [("png", 130)]

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "backreferences_dir": "backreferences",
    "doc_module": ("skattnrec",),
    "reference_url": {"skattnrec": None},
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "min_reported_time": 10**6,
}

html_theme = "pydata_sphinx_theme"
html_title = f"skattnrec {release}"
html_theme_options = {
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_show_sourcelink = False


def _escape_shapes(app, what, name, obj, options, lines):
    """Keep ``(n_items_,)`` in the shapes of docstrings from being read as a link to ``n_items``."""
    for number, line in enumerate(lines):
        if " of shape (" in line:
            lines[number] = re.sub(r"(?<=\w)_(?=[,)])", r"\\_", line)


def _unlink_inherited(app, what, name, obj, options, lines):
    """Keep the text of links to scikit-learn's guide in docstrings that are inherited from it."""
    if getattr(obj, "__module__", "").startswith("sklearn."):
        lines[:] = [re.sub(r":ref:`([^`<]+?)\s*<[^`]*>`", r"\1", line) for line in lines]


def setup(app):
    """Prepare docstrings before numpydoc reads them."""
    app.connect("autodoc-process-docstring", _escape_shapes, priority=100)
    app.connect("autodoc-process-docstring", _unlink_inherited, priority=100)
