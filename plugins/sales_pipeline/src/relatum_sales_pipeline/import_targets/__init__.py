"""What an import can write to: products, teams and deals."""

from relatum_sales_pipeline.import_targets.deals import DealsTarget
from relatum_sales_pipeline.import_targets.products import ProductsTarget
from relatum_sales_pipeline.import_targets.teams import TeamsTarget

__all__ = ["DealsTarget", "ProductsTarget", "TeamsTarget"]
