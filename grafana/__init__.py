"""The Grafana dashboards, made from code: `python -m grafana.dashboards` writes the JSON."""

import warnings

with warnings.catch_warnings():
    # The SDK would have us write the newer model, which Grafana before 12 cannot read. It warns
    # once, where its classes are made.
    warnings.simplefilter("ignore", DeprecationWarning)
    import grafana_foundation_sdk.builders.bargauge
    import grafana_foundation_sdk.builders.dashboard
    import grafana_foundation_sdk.models.dashboard  # noqa: F401
