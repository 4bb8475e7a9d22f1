"""The same work for monitor and for Prometheus with Alertmanager and blackbox_exporter."""
