"""The fields that tell one request from another on its way, and nothing of its sender."""

# Trace, request and ray ids: of W3C, .NET, proxies in general, AWS, Cloudflare, Google, Azure,
# Zipkin, Datadog, Jaeger, Sentry, Varnish and Heroku.
TRACE_FIELDS = (
    *("traceparent", "tracestate", "baggage"),
    *("request-id", "correlation-context"),
    *("x-request-id", "x-correlation-id"),
    *("x-amzn-trace-id", "x-amz-cf-id"),
    "cf-ray",
    "x-cloud-trace-context",
    *("x-azure-ref", "x-appgw-trace-id", "x-arr-log-id"),
    *("x-ms-request-id", "x-ms-client-request-id"),
    *("b3", "x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled", "x-b3-flags"),
    *("x-datadog-trace-id", "x-datadog-parent-id", "x-datadog-sampling-priority"),
    *("x-datadog-tags", "x-datadog-origin"),
    "uber-trace-id",
    "sentry-trace",
    "x-varnish",
    "x-request-start",
)
