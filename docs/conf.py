"""Configuration of the documentation site. `make docs` builds it into docs/_build/html."""

import os
import sys
import warnings
from pathlib import Path

# One thread per model, as in the tests: the build runs on any machine and in CI.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_extensions"), str(HERE.parent)]

from sktrainer import __version__

project = "sktrainer"
author = "The sktrainer developers"
project_copyright = author
version = release = __version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_gallery.gen_gallery",
    "repository_pages",
    "reference_tables",
]

# Pages. They are plain Markdown, so that they can also be read in the repository.
exclude_patterns = ["_build", "_extensions", "_templates", "tutorials"]
myst_heading_anchors = 3
highlight_language = "text"
templates_path = ["_templates"]
suppress_warnings = ["config.cache"]  # the gallery is configured with a class

# The pages below each index page, in the order of the navigation. They are here and not in the
# pages, because a toctree is not Markdown.
navigation = {
    "index": [
        "auto_tutorials/index",
        "how-to/index",
        "coming-from/index",
        "promises/README",
        "audit/README",
        "reference/index",
        "development",
    ],
    "how-to/index": [
        "how-to/*",
        "command-line-tutorial",
        "command-line",
        "configuration",
        "metrics",
        "alerts",
        "callbacks",
        "tracking",
        "networks",
        "checkpoints",
        "files",
        "model-store",
        "onnx",
        "devices",
    ],
    "coming-from/index": ["coming-from/*"],
    "promises/README": ["promises/*"],
    "audit/README": ["audit/*"],
    "development": [
        "contributing",
        "add-a-backend",
        "design/README",
        "benchmarks",
        "changelog",
    ],
    "design/README": ["design/*"],
}

# Reference.
autosummary_generate = True
autodoc_typehints = "none"
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

# Tutorials. Each is executed by the build, and an error or a warning ends the build.
sphinx_gallery_conf = {
    "examples_dirs": "tutorials",
    "gallery_dirs": "auto_tutorials",
    "filename_pattern": r"\.py$",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "capture_repr": ("_repr_html_", "__repr__"),
    "default_thumb_file": str(HERE / "images" / "report.png"),
    "download_all_examples": False,
    "min_reported_time": 1_000,
    "remove_config_comments": True,
    "show_signature": False,
    "reset_modules": ("matplotlib",),
    "nested_sections": False,
    "write_computation_times": False,  # its page loads scripts from other sites
}
warnings.filterwarnings(
    "ignore", message="FigureCanvasAgg is non-interactive", category=UserWarning
)

# Appearance.
html_theme = "pydata_sphinx_theme"
html_title = "sktrainer"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_context = {"default_mode": "light"}
html_theme_options = {
    "logo": {"text": "sktrainer"},
    "navbar_align": "left",
    "navbar_persistent": ["search-button"],
    "header_links_before_dropdown": 6,
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {"index": [], "changelog": []}
