"""The pages that targets expose, in text 0.0.4 and OpenMetrics 1.0, read as Prometheus's own parser reads them."""
