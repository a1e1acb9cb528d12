package table_test

import (
	"slices"
	"testing"

	"github.com/kie-exporter/kie_exporter/internal/table"
)

func TestAccountsHaveTheirOwnThings(t *testing.T) {
	a := table.NewAccounts(func(s *string) string { return *s })
	mine, yours, other := "a", "a", "b"
	a.Put("me", &mine)
	a.Put("you", &yours)
	a.Put("you", &other)
	if a.Get("me", "a") != &mine || a.Get("you", "a") != &yours || a.Get("me", "b") != nil || a.Get("nobody", "a") != nil {
		t.Error("what one has is another's")
	}
	a.Delete("me", &yours) // which is not there
	if a.Len("me") != 1 || a.Len("you") != 2 || a.Len("nobody") != 0 {
		t.Errorf("%d, %d and %d things, want 1, 2 and 0", a.Len("me"), a.Len("you"), a.Len("nobody"))
	}
	if n := len(slices.Collect(a.All())); n != 3 {
		t.Errorf("%d things, want 3", n)
	}
	inShards := 0
	for i := range table.Shards {
		inShards += len(slices.Collect(a.Shard("you", i)))
	}
	if inShards != 2 || len(slices.Collect(a.Account("you"))) != 2 || len(slices.Collect(a.Account("nobody"))) != 0 {
		t.Errorf("%d things in the shards of one account, want 2", inShards)
	}
	a.Delete("me", &mine)
	a.Delete("nobody", &mine)
	if names := a.Names(); !slices.Equal(names, []string{"you"}) {
		t.Errorf("%v have things", names)
	}
}
