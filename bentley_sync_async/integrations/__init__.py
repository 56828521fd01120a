"""Integrations with other software: OpenTelemetry, and a receiver of webhooks."""
