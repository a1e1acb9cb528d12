//go:build !noredis

package shared

import (
	"strconv"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/test/kit/redistest"
)

// remembering is a copy that knows a knee of before.
type remembering struct{ store.Memory }

func (remembering) Knee(string) float64 { return 7 }

func TestTheNextHolderKnowsWhatTheAPILetsPass(t *testing.T) {
	server := redistest.Start(t)
	knees := map[string]float64{}
	p := open(t, server, "c", remembering{})
	defer p.Close()
	p.KeepKnees(func() map[string]float64 { return knees })
	epoch := uint64(1)
	retake := func() { epoch++; p.take(t, whole, epoch) }
	step := func() {
		p.step(t.Context(), tasks{}, true) // writes at once, as at the end
	}
	want := func(when string, want float64) {
		t.Helper()
		if got := p.Knee("main"); got != want {
			t.Errorf("%s it is %g, want %g", when, got, want)
		}
	}

	retake()
	step()
	want("while nobody has said anything in Redis", 7)
	knees["main"] = 4.321
	step()
	delete(knees, "main") // as of a replica that has just taken the account, and has it not in force yet
	retake()
	want("after a holder that knew it", 4.321)
	step()
	retake()
	want("after one that had not begun", 4.321)

	// It is as old as the last sign of life of a holder.
	ran := func(ago time.Duration) {
		server.CLI(t, "hset", p.key("main", "meta"), "ran:0", strconv.FormatInt(time.Now().Add(-ago).UnixMilli(), 10))
		retake()
	}
	ran(6*24*time.Hour + 23*time.Hour)
	want("almost a week later", 4.321)
	ran(7*24*time.Hour + time.Minute)
	want("after a week without a holder", 0)
	for _, garbage := range []string{"x", "-5", "1000000000000", "0"} {
		server.CLI(t, "hset", p.key("main", "meta"), "knee:0", garbage)
		ran(0)
		want("of "+garbage, 0)
	}

	// Who held it before writes nothing more; a part that knows nothing leaves that of others.
	knees["main"] = 5
	step()
	server.CLI(t, "set", p.fence(whole), "9999999999999999|other")
	knees["main"] = 1
	step()
	if kept := server.CLI(t, "hget", p.key("main", "meta"), "knee:0"); kept != "5000" {
		t.Errorf("after the fence kept are %s", kept)
	}
	server.CLI(t, "del", p.fence(whole))
	knees["main"] = 0
	p.take(t, Part{"main", 1}, epoch+1)
	step()
	server.CLI(t, "hset", p.key("main", "meta"), "knee:0", "5000")
	retake()
	p.take(t, Part{"main", 1}, epoch+2)
	want("of two parts, of which one knows nothing", 5)
	if other := p.Knee("other"); other != 7 {
		t.Errorf("of another account, of which no part is held, it is %g", other)
	}
}

// A step may come between the seal of a part and the right to it.
func TestAPartThatWasJustSealedIsNotForgotten(t *testing.T) {
	server := redistest.Start(t)
	p := open(t, server, "c", memory(t))
	defer p.Close()
	mark := "5|session"
	if err := p.Seal(t.Context(), whole, mark, 5); err != nil {
		t.Fatal(err)
	}
	p.dropUnheld()
	p.rights.set(whole, mark)
	if p.LastRun("main").IsZero() {
		t.Error("a step before the right had it forgotten when the part was taken")
	}
	p.rights.set(whole, "")
	found := p.seals[whole]
	found.at = found.at.Add(-time.Minute)
	p.seals[whole] = found
	p.dropUnheld()
	if !p.LastRun("main").IsZero() {
		t.Error("a part that is not held is remembered")
	}
}
