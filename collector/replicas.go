// Metrics of replicas over Redis.

package collector

import (
	"strconv"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/histogram"
	"github.com/kie-exporter/kie_exporter/internal/share"
)

// Replicas is how this replica and its cluster stand.
type Replicas struct {
	Shares  []share.Share // all that there are
	Held    map[share.Share]bool
	Changes map[ShareChange]uint64
	Lease   time.Duration // until what is held is given up if Redis stays away; of no meaning while nothing is

	Answered    bool          // Redis has answered once: only then what follows is known
	Unheld      int           // shares that no replica holds
	Same, Other int           // replicas, this one among them, by whether their configuration is this one's
	Offset      time.Duration // our clock minus the server's

	Up        bool // the last call succeeded
	Calls     map[RedisCall]uint64
	Durations map[string]histogram.Histogram // by operation
	Refused   uint64                         // records
}

// ShareChange is by what changes of shares are counted.
type ShareChange struct{ Account, Change string }

// RedisCall is by what calls are counted.
type RedisCall struct{ Operation, Result string }

// Whether the configuration of a replica is this one's.
const (
	configSame  = "same"
	configOther = "other"
)

// ShareChanges returns what may happen to a share.
func ShareChanges() []string { return []string{"taken", "released", "expired", "lost"} }

// RedisOperations returns what Redis is called for.
func RedisOperations() []string {
	return []string{"tick", "seal", "read", "names", "commit", "sweep", "durations", "push", "take", "send", "receive"}
}

// RedisResults returns what may come of a call.
func RedisResults() []string {
	return []string{
		"ok", "timeout", "unreachable", "refused", "read_only", "loading", "full", "unsaved", "no_cluster", "wrong_type", "other", "skipped",
	}
}

// replica completes m, a metric that is only there with storage.redis.
func replica(m Metric, collect func(*Replicas, *series)) Metric {
	m.Help += "; only there with storage.redis"
	m.Stability = Experimental
	return once(m, func(v *content, s *series) {
		if v.replicas != nil {
			collect(v.replicas, s)
		}
	})
}

func replicaMetrics() []Metric {
	return append(shareMetrics(), redisMetrics()...)
}

func shareMetrics() []Metric {
	return []Metric{
		replica(Metric{
			Name:        "kie_exporter_share_held",
			Type:        Gauge,
			Help:        "1 if this replica holds the share, which is a part of an account counted from 0, else 0",
			Labels:      []string{"account", "part"},
			Cardinality: "accounts × parts",
		}, func(r *Replicas, s *series) {
			for _, sh := range r.Shares {
				s.put(boolean(r.Held[sh]), sh.Account, strconv.Itoa(sh.Part))
			}
		}),
		replica(Metric{
			Name:        "kie_exporter_share_changes_total",
			Type:        Counter,
			Help:        "Shares that this replica took, released, held until the lease expired, or lost to another replica",
			Labels:      []string{"account", "change"},
			Cardinality: "accounts × share changes",
		}, func(r *Replicas, s *series) {
			for c, n := range r.Changes {
				s.put(float64(n), c.Account, c.Change)
			}
		}),
		replica(Metric{
			Name: "kie_exporter_shares_unheld",
			Type: Gauge,
			Help: "Shares that no replica held when Redis last answered",
		}, func(r *Replicas, s *series) {
			if r.Answered {
				s.put(float64(r.Unheld))
			}
		}),
		replica(Metric{
			Name:        "kie_exporter_cluster_replicas",
			Type:        Gauge,
			Help:        "Replicas of the cluster when Redis last answered, this one among them, by whether accounts, parts and groups are configured as here",
			Labels:      []string{"config"},
			Cardinality: "configurations",
		}, func(r *Replicas, s *series) {
			if r.Answered {
				s.put(float64(r.Same), configSame)
				s.put(float64(r.Other), configOther)
			}
		}),
		replica(Metric{
			Name: "kie_exporter_lease_remaining_seconds",
			Type: Gauge,
			Help: "Time until the first share is given up if Redis does not answer, while any is held",
		}, func(r *Replicas, s *series) {
			for _, held := range r.Held {
				if held {
					s.put(r.Lease.Seconds())
					return
				}
			}
		}),
	}
}

func redisMetrics() []Metric {
	return []Metric{
		replica(Metric{
			Name: "kie_exporter_redis_up",
			Type: Gauge,
			Help: "1 if the last call to Redis succeeded, else 0",
		}, func(r *Replicas, s *series) { s.put(boolean(r.Up)) }),
		replica(Metric{
			Name:        "kie_exporter_redis_calls_total",
			Type:        Counter,
			Help:        "Calls to Redis, by what they were for and what came of them: skipped ones were not tried, as others had just failed",
			Labels:      []string{"operation", "result"},
			Cardinality: "Redis operations × Redis results",
		}, func(r *Replicas, s *series) {
			for c, n := range r.Calls {
				s.put(float64(n), c.Operation, c.Result)
			}
		}),
		replica(Metric{
			Name:        "kie_exporter_redis_call_duration_seconds",
			Type:        Histogram,
			Help:        "Time that calls to Redis took, by what they were for",
			Labels:      []string{"operation"},
			Cardinality: "Redis operations × buckets",
		}, func(r *Replicas, s *series) {
			for operation, h := range r.Durations {
				s.histogram(h, operation)
			}
		}),
		replica(Metric{
			Name: "kie_exporter_records_refused_total",
			Type: Counter,
			Help: "Records that were not written to Redis because another replica had taken the share since",
		}, func(r *Replicas, s *series) { s.put(float64(r.Refused)) }),
		replica(Metric{
			Name: "kie_exporter_clock_offset_seconds",
			Type: Gauge,
			Help: "This replica's clock minus that of Redis, when Redis last answered",
		}, func(r *Replicas, s *series) {
			if r.Answered {
				s.put(r.Offset.Seconds())
			}
		}),
	}
}
