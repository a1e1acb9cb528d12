package app

import (
	"log/slog"
	"testing"

	"github.com/kie-exporter/kie_exporter/config"
	"github.com/kie-exporter/kie_exporter/internal/apikey"
)

func TestWhoseATaskIsIsOneQuestionForSourcesAndTracker(t *testing.T) {
	asked := 0
	has := func(id string) bool {
		asked++
		return id == "ours"
	}
	key, err := apikey.Static("sk-x")
	if err != nil {
		t.Fatal(err)
	}
	cfg := &config.Config{}
	g := &generation{config: cfg, accounts: []servedAccount{{config: config.Account{Name: "shared", Key: key}, has: has}, {config: config.Account{Name: "whole", Key: key}}}}
	g.addGroups([]config.Group{{Name: "a", Account: "shared"}, {Name: "b", Account: "whole"}}, slog.New(slog.DiscardHandler))
	o := g.options()
	if !g.lists[0].Has("ours") || g.lists[0].Has("theirs") || !o.Accounts[0].Has("ours") || o.Accounts[0].Has("theirs") || asked != 4 {
		t.Errorf("sources or tracker ask something else, %d times asked", asked)
	}
	if g.lists[1].Has != nil || o.Accounts[1].Has != nil {
		t.Error("an account without replicas is asked whose its tasks are")
	}
}
