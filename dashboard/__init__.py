"""Glass Cockpit: one folder of Prometheus, Alertmanager and Grafana files, run by one Python process."""

__version__ = "0.1.0"
