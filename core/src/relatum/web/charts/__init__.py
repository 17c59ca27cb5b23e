"""Charts drawn on the server: SVG without scripts, styles or foreign files, and a table beside it.

Python says where everything stands, in per cent of the space there is; ``relatum/charts.html``
draws it. Texts do not shrink with the space, so a chart is as legible on a phone as on a desk.
"""

from relatum.web.charts.plotting import Plot, plotted
from relatum.web.charts.types import Chart, ChartUnit, Kind, Series, Tone

__all__ = ["Chart", "ChartUnit", "Kind", "Plot", "Series", "Tone", "plotted"]
