package app

import (
	"testing"

	"github.com/kie-exporter/kie_exporter/config"
	"github.com/kie-exporter/kie_exporter/internal/share"
)

func TestThePlanSaysWhatTheBudgetMeans(t *testing.T) {
	a := config.Account{RequestsPerSecond: 2, MaxConcurrent: 4}
	for _, test := range []struct {
		tasks, unfinished int
		want              string
	}{
		{0, 0, "0 tasks, none of which has to be asked about; no 10 seconds see more than 24 requests"},
		{1, 1, "1 task, 1 of which may be unfinished; asking about each once takes about a second at 2 requests a second; " +
			"no 10 seconds see more than 24 requests"},
		{6, 6, "6 tasks, 6 of which may be unfinished; asking about each once takes about a second at 2 requests a second; " +
			"no 10 seconds see more than 24 requests"},
		{500, 104, "500 tasks, 104 of which may be unfinished; asking about each once takes about 50 seconds at 2 requests a second; " +
			"no 10 seconds see more than 24 requests"},
		{1204, 1204, "1204 tasks, 1204 of which may be unfinished; asking about each once takes about 10 minutes at 2 requests a second; " +
			"no 10 seconds see more than 24 requests"},
	} {
		if got := describePlan(a, share.Shard{}, test.tasks, test.unfinished); got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
	learns := a
	learns.MaxRequestsPerSecond = 10
	const most = "0 tasks, none of which has to be asked about; no 10 seconds see more than 104 requests"
	if got := describePlan(learns, share.Shard{}, 0, 0); got != most {
		t.Errorf("got  %s\nwant %s", got, most)
	}
	// Of four shards each sends one request at a time of five, and the one that is left nobody.
	a.MaxConcurrent = 5
	const sharded = "500 tasks, 104 of which may be unfinished; asking about each once takes about 3 minutes at 0.5 requests a second; " +
		"it is asked in at most 1 + 0.5·W requests in W seconds by this shard, and in at most 4 + 2·W requests in W seconds over all shards"
	if got := describePlan(a, share.Shard{Number: 2, Total: 4}, 500, 104); got != sharded {
		t.Errorf("got  %s\nwant %s", got, sharded)
	}
	for seconds, want := range map[float64]string{7200: "about 2 hours", 50000: "about 14 hours", 500000: "about 6 days"} {
		if got := rounded(seconds); got != want {
			t.Errorf("%g seconds: %s, want %s", seconds, got, want)
		}
	}
}
