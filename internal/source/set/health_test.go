package set

import (
	"fmt"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/files"
	"github.com/kie-exporter/kie_exporter/internal/source/remote"
)

func TestTheFirstReadWaitsTenSecondsForAllServersAtOnce(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		begin := time.Now()
		if err := b.load(10,
			Group{Name: "g", HTTP: b.serveList(silent).http()}, Group{Name: "h", HTTP: b.serveList(silent).http()},
			Group{Name: "i", HTTP: b.serveList(text("a", "a", "b")).http()},
		); err == nil {
			b.t.Error("no error")
		}
		if took := time.Since(begin); took != remote.Timeout {
			b.t.Errorf("it took %v", took)
		}
		reports := b.set.Reports()
		if fmt.Sprint(reports[0].Err) != remote.ErrSlow.Error() || fmt.Sprint(reports[1].Err) != remote.ErrSlow.Error() {
			b.t.Errorf("reports %+v", reports)
		}
		if r := reports[2]; r.IDs != 2 || len(r.Skipped) != 1 || r.Skipped[0] != (source.Skip{Reason: source.RejectedDuplicate, Count: 1, Line: 2}) {
			b.t.Errorf("report %+v", r)
		}
	})
}

func TestAReportTellsWhereTheFirstOfEachReasonIs(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		first := b.write("a.yml", "- tasks: [a, b]\n- tasks:\n  - c\n  - a\n")
		second := b.write("b.yml", "- tasks:\n  - d\n  - b\n  - e\n")
		_ = b.load(4, Group{Name: "g", Files: []files.Pattern{b.pattern("*.yml")}}, Group{Name: "h", Inline: []string{"f", "a"}})
		want := []string{
			fmt.Sprintf("{g *.yml 4 false [{duplicate 2 %s 4} {limit 1 %s 2}] <nil> false}", first, second),
			"{h inline 0 false [{duplicate 1  2} {limit 1  1}] <nil> false}",
		}
		for i, r := range b.set.Reports() {
			if got := fmt.Sprint(r); got != want[i] {
				b.t.Errorf("got  %s\nwant %s", got, want[i])
			}
		}
	})
}
