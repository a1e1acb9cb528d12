// Metrics of the exporter itself: its configuration, its knowledge of each group, its sources, its scrapes.

package collector

import (
	"slices"
	"strconv"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/question"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/internal/view"
	"github.com/kie-exporter/kie_exporter/internal/webhook"
)

// What there may be too many of.
const (
	overflowCode     = "fail_code"
	overflowLabelKey = "info_label"
	overflowModel    = "model"
)

func configMetrics() []Metric {
	return []Metric{
		once(Metric{
			Name: "kie_exporter_config_last_reload_successful",
			Type: Gauge,
			Help: "1 if the last attempt to load the configuration succeeded, else 0",
		}, func(v *content, s *series) { s.put(boolean(v.config.Successful)) }),
		once(Metric{
			Name: "kie_exporter_config_last_reload_success_timestamp_seconds",
			Type: Gauge,
			Help: "Unix time at which the configuration was last loaded successfully",
		}, func(v *content, s *series) { putTime(s, kie.TimeOf(v.config.SucceededAt)) }),
		once(Metric{
			Name:        "kie_exporter_label_overflow_total",
			Type:        Counter,
			Help:        "Tasks whose label value is shown as other, or whose label is left out, because its limit is reached",
			Labels:      []string{"label"},
			Cardinality: "overflows",
		}, func(v *content, s *series) {
			s.put(float64(v.overflows.Code), overflowCode)
			s.put(float64(v.overflows.LabelKey), overflowLabelKey)
			s.put(float64(v.overflows.Model), overflowModel)
		}),
	}
}

func shardMetrics() []Metric {
	return []Metric{
		once(Metric{
			Name:      "kie_exporter_shard_info",
			Type:      Gauge,
			Help:      "1, with which shard the process is, counted from 0, and of how many; only there with --shard",
			Labels:    []string{"shard", "total_shards"},
			Stability: Experimental,
		}, func(v *content, s *series) {
			if v.shard.IsOne() {
				s.put(1, strconv.Itoa(v.shard.Number), strconv.Itoa(v.shard.Total))
			}
		}),
		once(Metric{
			Name:      "kie_exporter_total_shards",
			Type:      Gauge,
			Help:      "Among how many processes the tasks of each account are divided; only there with --total-shards",
			Stability: Experimental,
		}, func(v *content, s *series) {
			if v.shard.IsOne() {
				s.put(float64(v.shard.Total))
			}
		}),
	}
}

func mailboxMetrics() []Metric {
	return []Metric{
		once(Metric{
			Name:        "kie_exporter_mailbox_total",
			Type:        Counter,
			Help:        "What replicas asked each other, by question and by what became of it; only there with storage.redis",
			Labels:      []string{"question", "result"},
			Stability:   Experimental,
			Cardinality: "questions × mailbox results",
		}, func(v *content, s *series) {
			if v.mailbox == nil {
				return
			}
			for _, q := range question.Kinds() {
				for _, result := range question.Results() {
					s.put(float64(v.mailbox[question.Count{Kind: q, Result: result}]), string(q), string(result))
				}
			}
		}),
	}
}

func callbackMetrics() []Metric {
	return []Metric{
		per(Metric{
			Name:        "kie_exporter_callbacks_total",
			Type:        Counter,
			Help:        "Callbacks received for accounts with webhook keys, by what became of them",
			Labels:      []string{"result"},
			Stability:   Experimental,
			Cardinality: " × callback results",
		}, "accounts", []string{"account"}, func(v *content) []entity[webhook.Stat] { return v.callbacks }, func(c *webhook.Stat, s *series) {
			for _, result := range webhook.Results() {
				s.put(float64(c.Counts[result]), result.String())
			}
		}),
	}
}

func pushMetrics() []Metric {
	return []Metric{
		per(Metric{
			Name:        "kie_exporter_pushes_total",
			Type:        Counter,
			Help:        "Pushes to groups that take some, by what they came to: one is a request, of any number of ids",
			Labels:      []string{"result"},
			Stability:   Experimental,
			Cardinality: " × push results",
		}, "groups with push", []string{"group"}, func(v *content) []entity[source.PushStat] { return v.pushes }, func(p *source.PushStat, s *series) {
			for _, result := range source.PushResults() {
				s.put(float64(p.Counts[result]), result.String())
			}
		}),
	}
}

func storeMetrics() []Metric {
	return []Metric{
		once(Metric{
			Name: "kie_exporter_store_up",
			Type: Gauge,
			Help: "1 if what is known is kept on disk, 0 if in memory only",
		}, func(v *content, s *series) { s.put(boolean(v.storage.Up)) }),
		once(Metric{
			Name: "kie_exporter_store_tasks",
			Type: Gauge,
			Help: "Tasks that are kept on disk",
		}, func(v *content, s *series) { s.put(float64(v.storage.Tasks)) }),
		once(Metric{
			Name:        "kie_exporter_store_errors_total",
			Type:        Counter,
			Help:        "Failures of the storage on disk, by operation",
			Labels:      []string{"operation"},
			Cardinality: "operations",
		}, func(v *content, s *series) {
			for _, op := range store.Operations() {
				s.put(float64(v.storage.Errors[op]), string(op))
			}
		}),
	}
}

func groupMetrics() []Metric {
	return slices.Concat(unansweredMetrics(), knowledgeMetrics())
}

func unansweredMetrics() []Metric {
	return []Metric{
		perGroup(Metric{
			Name: "kie_exporter_pending_tasks",
			Type: Gauge,
			Help: "Tasks that were never answered",
		}, func(g *view.Group, s *series) { s.put(float64(g.Pending)) }),
		perGroup(Metric{
			Name: "kie_exporter_oldest_answer_timestamp_seconds",
			Type: Gauge,
			Help: "Unix time of the oldest of the last answers of the unfinished tasks that are still asked",
		}, func(g *view.Group, s *series) { putTime(s, kie.TimeOf(g.OldestAnswer)) }),
		perGroup(Metric{
			Name:        "kie_tasks_query_failing",
			Type:        Gauge,
			Help:        "Tasks whose last query has failed, by the class of its outcome",
			Labels:      []string{"class"},
			Cardinality: " × classes but ok",
		}, func(g *view.Group, s *series) {
			for _, class := range kie.Classes() {
				if class != kie.ClassOK {
					s.put(float64(g.QueryFailing[class]), class.String())
				}
			}
		}),
	}
}

func knowledgeMetrics() []Metric {
	return []Metric{
		perGroup(Metric{
			Name:        "kie_exporter_detection_delay_seconds",
			Type:        Histogram,
			Help:        "Time from a task's completion until it was known, of tasks that finished while they were watched",
			Stability:   Experimental,
			Cardinality: " × buckets",
		}, func(g *view.Group, s *series) { s.histogram(g.Detection) }),
		perGroup(Metric{
			Name:      "kie_exporter_uncounted_tasks_total",
			Type:      Counter,
			Help:      "Finished tasks that this process adds to no total: they finished before they were watched, or their record says that another replica or an earlier process had found their end",
			Stability: Experimental,
		}, func(g *view.Group, s *series) { s.put(float64(g.Uncounted)) }),
		perGroup(Metric{
			Name:      "kie_exporter_tasks_evicted_total",
			Type:      Counter,
			Help:      "Tasks, finished or given up, that are tracked no longer to make room for others; they are never asked again",
			Stability: Experimental,
		}, func(g *view.Group, s *series) { s.put(float64(g.Evicted)) }),
		perGroup(Metric{
			Name:      "kie_exporter_tasks_dropped_unfinished_total",
			Type:      Counter,
			Help:      "Tasks that were taken off their list before their end was known, but for those given up",
			Stability: Experimental,
		}, func(g *view.Group, s *series) { s.put(float64(g.DroppedUnfinished)) }),
		perGroup(Metric{
			Name:      "kie_exporter_tasks_without_series",
			Type:      Gauge,
			Help:      "Tasks that have no series of their own because there are too many",
			Stability: Experimental,
		}, func(g *view.Group, s *series) { s.put(float64(g.WithoutSeries)) }),
	}
}

func sourceMetrics() []Metric {
	return []Metric{
		perSource(Metric{
			Name: "kie_exporter_source_tasks",
			Type: Gauge,
			Help: "Task ids that a source lists, duplicates included, or that were pushed and are tracked; served from cache",
		}, func(stat *source.Stat, s *series) { s.put(float64(stat.Tasks)) }),
		perSource(Metric{
			Name: "kie_exporter_source_last_success_timestamp_seconds",
			Type: Gauge,
			Help: "Unix time at which a source was last read successfully",
		}, func(stat *source.Stat, s *series) { putTime(s, kie.TimeOf(stat.LastSuccess)) }),
		perSource(Metric{
			Name:      "kie_exporter_source_last_push_timestamp_seconds",
			Type:      Gauge,
			Help:      "Unix time at which ids were last pushed to a group, if any were since the exporter has started",
			Stability: Experimental,
		}, func(stat *source.Stat, s *series) { putTime(s, kie.TimeOf(stat.LastPush)) }),
		perSource(Metric{
			Name: "kie_exporter_source_errors_total",
			Type: Counter,
			Help: "Reads of a source that have failed",
		}, func(stat *source.Stat, s *series) { s.put(float64(stat.Errors)) }),
		perSource(Metric{
			Name:        "kie_exporter_source_refused_tasks",
			Type:        Gauge,
			Help:        "Task ids that a source lists and that its group does not have, because of a limit or an earlier group of the account",
			Stability:   Experimental,
			Labels:      []string{"reason"},
			Cardinality: " × refusals",
		}, func(stat *source.Stat, s *series) {
			for reason, n := range stat.Refused {
				s.put(float64(n), string(reason))
			}
		}),
		perSource(Metric{
			Name:        "kie_exporter_source_rejected_total",
			Type:        Counter,
			Help:        "Lines and ids of a source that are not tracked, by reason",
			Labels:      []string{"reason"},
			Cardinality: " × rejections",
		}, func(stat *source.Stat, s *series) {
			for reason, n := range stat.Rejected {
				s.put(float64(n), string(reason))
			}
		}),
	}
}

func scrapeMetrics() []Metric {
	return []Metric{
		once(Metric{
			Name:      "kie_exporter_scrape_wait_seconds",
			Type:      Gauge,
			Help:      "Time that this scrape has waited for tasks to be asked",
			Stability: Experimental,
		}, func(v *content, s *series) { s.put(v.scrape.Waited.Seconds()) }),
		once(Metric{
			Name:      "kie_exporter_scrape_incomplete",
			Type:      Gauge,
			Help:      "1 if a task that was due when this scrape arrived was not asked before it was answered, else 0",
			Stability: Experimental,
		}, func(v *content, s *series) { s.put(boolean(v.scrape.Incomplete)) }),
	}
}
