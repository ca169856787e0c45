"""The directive ``.. generated:: settings``, which inserts a table of `reference.TABLES`.

A class that is referred to by the module that defines it is found by the package that exports it, too.
"""

from docutils import nodes
from reference import TABLES
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode


class Generated(SphinxDirective):
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        (name,) = self.arguments
        if name not in TABLES:
            raise self.error(f"unknown table {name}; there are: {', '.join(TABLES)}")
        return self.parse_text_to_nodes("\n".join(TABLES[name]()))


def find_exported(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> nodes.reference | None:
    """Return the reference to ``models.ConnectedVehicle`` for ``models.vehicles.ConnectedVehicle``."""
    *modules, name = node.get("reftarget", "").split(".")
    for length in range(len(modules) - 1, 0, -1):
        found = env.domains.python_domain.objects.get(".".join([*modules[:length], name]))
        if found:
            return make_refnode(app.builder, node["refdoc"], found.docname, found.node_id, content)
    return None


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("generated", Generated)
    app.connect("missing-reference", find_exported)
    return {"parallel_read_safe": True}
