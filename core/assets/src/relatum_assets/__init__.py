"""Front-end files of others, packed for pages: what they are called, where they lie, their sums."""

from relatum_assets.manifest import Asset, Licence, Manifest, manifest

__all__ = ["Asset", "Licence", "Manifest", "manifest"]
