"""The directive ``.. generated:: settings``, which inserts a table of `reference.TABLES`."""

from docutils import nodes
from reference import TABLES
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class Generated(SphinxDirective):
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        (name,) = self.arguments
        if name not in TABLES:
            raise self.error(f"unknown table {name}; there are: {', '.join(TABLES)}")
        return self.parse_text_to_nodes("\n".join(TABLES[name]()))


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("generated", Generated)
    return {"parallel_read_safe": True}
