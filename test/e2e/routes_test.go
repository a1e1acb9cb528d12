// Where the example of an Alertmanager configuration sends alerts, and which it mutes.

package e2e_test

import (
	"testing"

	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/common/model"
)

func TestExampleRoutesAlertsBySeverityAndTasksApart(t *testing.T) {
	conf, err := config.LoadFile(routes)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ alert, severity, receiver string }{
		{"KieTaskFailed", "warning", "tasks"},
		{"KieFailureBurst", "warning", "team"},
		{"KieKeyRefused", "critical", "pager"},
		{"KieMaintenance", "info", "nobody"},
		{"SomethingElse", "critical", "team"},
	}
	for _, tt := range tests {
		asked := model.LabelSet{"alertname": model.LabelValue(tt.alert), "severity": model.LabelValue(tt.severity)}
		for _, route := range dispatch.NewRoute(conf.Route, nil).Match(asked) {
			if got := route.RouteOpts.Receiver; got != tt.receiver {
				t.Errorf("%s goes to %s, want %s", tt.alert, got, tt.receiver)
			}
		}
	}
}

func TestExampleMutesWhatAnOutageExplains(t *testing.T) {
	conf, err := config.LoadFile(routes)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		source, target, account string
		muted                   bool
	}{
		{"KieAPIUnreachable", "KieTasksOverdue", "main", true},
		{"KieAPIUnreachable", "KieAnswersOld", "main", true},
		{"KieAPIUnreachable", "KieCreditsLow", "main", true},
		{"KieKeyRefused", "KieCreditsEmptySoon", "main", true},
		{"KieKeyRefused", "KieTasksOverdue", "main", true},
		{"KieAPIUnreachable", "KieCreditsUnknown", "main", true},
		{"KieMaintenance", "KieTasksOverdue", "main", true},
		{"KieMaintenance", "KieCreditsUnknown", "main", true},
		{"KieAccountRefused", "KieCreditsUnknown", "main", false},
		{"KieAccountRefused", "KieAnswersOld", "main", true},
		{"KieCreditsEmptySoon", "KieCreditsLow", "main", true},
		{"KieErrorBudgetBurnFast", "KieErrorBudgetBurnSlow", "main", true},
		{"KieAPIUnreachable", "KieTasksOverdue", "another", false},
		{"KieAPIUnreachable", "KieTasksOverdue", "", false},
		{"KieAPIUnreachable", "KieTaskFailed", "main", false},
		{"KieAPIUnreachable", "KieKeyRefused", "main", false},
		{"KieAccountRefused", "KieCreditsLow", "main", false},
		{"KieTasksOverdue", "KieAPIUnreachable", "main", false},
	}
	for _, tt := range tests {
		source := model.LabelSet{"alertname": model.LabelValue(tt.source), "job": "kie_exporter", "account": "main"}
		target := model.LabelSet{"alertname": model.LabelValue(tt.target), "job": "kie_exporter", "account": model.LabelValue(tt.account)}
		if got := mutes(conf.InhibitRules, source, target); got != tt.muted {
			t.Errorf("%s mutes %s of account %q: %t, want %t", tt.source, tt.target, tt.account, got, tt.muted)
		}
	}
}

func mutes(rules []config.InhibitRule, source, target model.LabelSet) bool {
	for _, rule := range rules {
		applies := labels.Matchers(rule.SourceMatchers).Matches(source) && labels.Matchers(rule.TargetMatchers).Matches(target)
		for _, name := range rule.Equal {
			applies = applies && source[model.LabelName(name)] == target[model.LabelName(name)]
		}
		if applies {
			return true
		}
	}
	return false
}
