//go:build !noredis

package shared

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/test/kit/redistest"
)

// sweeper is a store of which a whole sweep is run, of any day.
type sweeper struct {
	process

	start time.Time
}

func (w sweeper) sweepAt(t *testing.T, days int) {
	t.Helper()
	at := w.start.AddDate(0, 0, days)
	for w.sweep = (sweep{due: at}); !w.sweep.due.After(at); {
		w.sweepOn(t.Context(), at, tasks{})
	}
}

func TestIDsPushedToGroupsThatTakeNoneForSixtyDaysLeaveRedis(t *testing.T) {
	server := redistest.Start(t)
	accounts := map[string]string{"here": "main", "gone": "main", "back": "main", "moved": "main"}
	open := func() sweeper {
		p := open(t, server, "c", memory(t))
		t.Cleanup(p.Close)
		p.rights.parts = 2
		p.accountOf = func(group string) (string, bool) { account, ok := accounts[group]; return account, ok }
		return sweeper{p, time.Now()}
	}
	w, other := open(), open()
	half, rest := Part{"main", 0}, Part{"main", 1}
	w.take(t, half, 1)
	other.take(t, rest, 2)
	const n = 3*batchSize + 100
	for group := range accounts {
		for part, of := range map[Part]sweeper{half: w, rest: other} {
			if _, err := of.Push(t.Context(), part, added(group, idsOf(group, w, part, n/2)...), 1_000_000); err != nil {
				t.Fatal(err)
			}
		}
	}
	server.CLI(t, "hset", w.pushBucket("main", "gone", "odd"), "odd", "garbage")
	left := func(when string, want ...int) { // of here, gone, back and moved
		t.Helper()
		for i, group := range []string{"here", "gone", "back", "moved"} {
			commands := make([][]any, pushBuckets)
			for b := range commands {
				commands[b] = []any{"hlen", w.pushBucketAt("main", group, b)}
			}
			replies, err := w.client.Pipeline(t.Context(), call("read"), commands)
			if err != nil {
				t.Fatal(err)
			}
			count := 0
			for _, r := range replies {
				number, _ := r.(int64)
				count += int(number)
			}
			if count != want[i] {
				t.Errorf("%s: %d ids of %s are left, want %d", when, count, group, want[i])
			}
		}
	}
	delete(accounts, "gone")
	delete(accounts, "back")
	accounts["moved"] = "another"
	w.sweepAt(t, 0)
	w.sweepAt(t, 59)
	left("before 60 days have passed", n, n+1, n, n)
	accounts["back"] = "main"
	w.sweepAt(t, 59)
	delete(accounts, "back")
	w.sweepAt(t, 60)
	other.sweepAt(t, 1) // which has seen to the other part since a day
	odd := w.rights.Of("main", "odd")
	left("after 60 days in one part", n, n/2+odd, n, n/2)
	other.sweepAt(t, 61)
	left("after 60 days in both", n, 0, n/2, 0) // back was gone all the while for who has the other part
	meta := server.CLI(t, "hgetall", w.key("main", "meta"))
	if strings.Contains(meta, ":gone") || strings.Contains(meta, ":moved") || !strings.Contains(meta, "pushed:0:here") {
		t.Errorf("what is noted of them: %s", meta)
	}

	// The group was back for a day: from then on it is 60 more. A push by a replica that knows the group ends that time, too.
	w.sweepAt(t, 119)
	if _, err := other.Push(t.Context(), half, added("back", idsOf("back-new", w, half, 1)...), 1_000_000); err != nil {
		t.Fatal(err)
	}
	w.sweepAt(t, 120)
	w.sweepAt(t, 179)
	left("60 days after the first", n, 0, n/2+1, 0)
	w.sweepAt(t, 180)
	left("in the end", n, 0, 0, 0)

	// Another holder has the part now.
	w.take(t, half, 3)
	server.CLI(t, "set", w.fence(half), "9|another")
	delete(accounts, "here")
	if _, err := w.findUnpushed(t.Context(), "main", 20_000); err == nil {
		t.Error("who held the part before notes that a group is gone")
	}
}

// idsOf returns some ids of a part to push to a group.
func idsOf(group string, w sweeper, part Part, n int) (ids []string) {
	for i := 0; len(ids) < n; i++ {
		if id := fmt.Sprintf("%s-%d", group, i); w.rights.Of("main", id) == part.Part {
			ids = append(ids, id)
		}
	}
	return ids
}
