"""The story of a car on sites that are set up in different ways."""

from .deployment import Deployment
from .story import Story


def tell(site):
    """Tell the story of a car in both versions of Smartcar's API; return what cron printed, by version."""
    site.prepare()
    results = {}
    for version in ("2.0", "3"):
        site.use_version(version)
        with site.served():
            results[version] = Story(site, version).run()
    return results


def test_a_plain_site(tmp_path, smartcar):
    tell(Deployment("plain", tmp_path, smartcar))
