"""Where the year lands, when deals close, and how good earlier forecasts were."""
