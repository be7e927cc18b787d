"""Configuration files of Prometheus's world, read into typed, frozen records that say what is wrong with a file."""
