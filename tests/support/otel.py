"""A hook for OpenTelemetry whose spans and metrics stay in memory."""

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from bentley_sync_async.integrations.otel import OpenTelemetryHook


class Collected:
    def __init__(self):
        self._exporter = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        self.tracer_provider = TracerProvider(shutdown_on_exit=False)
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        meter_provider = MeterProvider([self._reader], shutdown_on_exit=False)
        self.hook = OpenTelemetryHook(tracer_provider=self.tracer_provider, meter_provider=meter_provider)

    @property
    def spans(self):
        """The spans that have ended, in that order."""
        return self._exporter.get_finished_spans()

    @property
    def metrics(self):
        """The data of each instrument that has any, by its name."""
        data = self._reader.get_metrics_data()
        scopes = [scope for resource in data.resource_metrics for scope in resource.scope_metrics] if data else []
        return {metric.name: metric for scope in scopes for metric in scope.metrics}

    def points(self, name):
        """The series of an instrument, one for each set of attributes."""
        return self.metrics[name].data.data_points

    def texts(self):
        """Everything that would be exported."""
        return [span.to_json() for span in self.spans] + [metric.to_json() for metric in self.metrics.values()]
