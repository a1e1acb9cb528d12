// Replicas over Redis: who holds what, and how well is Redis reached.

package main

const noReplicas = "no replicas over Redis" + orNone

func replicaPanels() []panel {
	return []panel{
		{
			kind: timeseries, title: "Shares held by replica", width: 8, unit: number, empty: noReplicas, minimum: true, stacked: true,
			about: "How many shares each replica holds, above each other, and how many nobody held when Redis last answered, in red. A share is an account, or one of its parts. " +
				"While nobody holds it its tasks are not asked about, and have no series.",
			queries: []query{
				line(`sum by (instance) (kie_exporter_share_held{<exporters>})`, "{{instance}}"),
				{expr: `max(kie_exporter_shares_unheld{<exporters>})`, legend: "held by nobody", colour: red, dashed: true},
			},
		},
		{
			kind: timeseries, title: "Changes of shares", width: 8, unit: number, empty: noReplicas, minimum: true, ranked: true,
			about: "In the window before, shares that a replica took; that it released, to even things out or at its end; that expired, as Redis did not answer in time; " +
				"and that it lost to another replica. A takeover is a share taken.",
			queries: []query{line(`round(sum by (instance, change) (increase(kie_exporter_share_changes_total{<exporters>}[$window])))`, "{{instance}}: {{change}}")},
		},
		{
			kind: timeline, title: "Redis by replica", width: 8, unit: number, empty: noReplicas,
			texts: map[string]text{"0": {"down", red}, "1": {"up", green}}, levels: []level{{0, red}, {1, green}},
			about:   "Whether the last call of each replica to Redis succeeded. Without an answer for nine tenths of a lease it stops asking and showing.",
			queries: []query{line(`min by (instance) (kie_exporter_redis_up{<exporters>})`, "{{instance}}")},
		},
		{
			kind: timeseries, title: "Lease remaining", width: 8, unit: seconds, empty: "no replica that holds a share" + orNone, minimum: true,
			about:   "How long each replica may go on without an answer of Redis. Between two ticks it falls by a sixth of a lease; what falls further has no answer.",
			queries: []query{line(`min by (instance) (kie_exporter_lease_remaining_seconds{<exporters>})`, "{{instance}}")},
		},
		{
			kind: timeseries, title: "Calls to Redis", width: 8, unit: perSecond, empty: noReplicas, minimum: true, ranked: true,
			about: "Calls to Redis by what they were for, and those that failed, by what came of them, dashed. Skipped ones were not tried, as others had just failed.",
			queries: []query{
				line(`sum by (operation) (rate(kie_exporter_redis_calls_total{<exporters>,result="ok"}[$__rate_interval]))`, "ok: {{operation}}"),
				{
					expr:   `sum by (result) (rate(kie_exporter_redis_calls_total{<exporters>,result!="ok"}[$__rate_interval]))`,
					legend: "failed: {{result}}", dashed: true,
				},
			},
		},
		{
			kind: timeseries, title: "Duration of calls to Redis, p90", width: 8, unit: seconds, empty: noReplicas, minimum: true, ranked: true,
			about:   "p90 of how long calls to Redis took in the window before, by what they were for, whatever came of them.",
			queries: []query{line(quantile(0.9, "kie_exporter_redis_call_duration_seconds", "<exporters>", "$window", "operation"), "{{operation}}")},
		},
		{
			kind: timeseries, title: "What replicas ask each other", width: 24, unit: perSecond, empty: noReplicas, minimum: true, ranked: true,
			about: "Hints of callbacks, news of pushes, probes and questions about pages that came to a replica which does not hold the tasks: what was sent, answered and taken. Dashed what " +
				"came to nothing: failed, as Redis did not take it; silent, as no answer came in time; refused, as it came too late, could not be read, or was one too many.",
			queries: []query{
				line(`sum by (question, result) (rate(kie_exporter_mailbox_total{<exporters>,result=~"sent|answered|taken"}[$__rate_interval]))`, "{{question}}: {{result}}"),
				{
					expr:   `sum by (question, result) (rate(kie_exporter_mailbox_total{<exporters>,result=~"failed|silent|refused"}[$__rate_interval]))`,
					legend: "{{question}}: {{result}}", dashed: true,
				},
			},
		},
	}
}
