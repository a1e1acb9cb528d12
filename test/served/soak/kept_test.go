// What the exporter keeps on disk, looked at between two of its processes.

package soak_test

import (
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/prometheus/common/promslog"

	"github.com/kie-exporter/kie_exporter/internal/store"
)

// kept is the records on disk, by task.
type kept map[string]store.Record

// readKept reads a copy of the storage, so that the next process finds it as the last one left it.
func readKept(t *testing.T, dir string, v *verdict) kept {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, "kie_exporter.db"))
	if err != nil {
		t.Fatal(err)
	}
	secret := findSecret(string(content))
	v.check(nothingSecret, secret == "", "the storage holds %q", secret)
	copied := t.TempDir()
	if err := os.WriteFile(filepath.Join(copied, "kie_exporter.db"), content, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(copied, promslog.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	records := maps.Collect(s.All())
	stats := s.Stats()
	v.check(storageWhole, stats.Up && stats.Errors[store.OpCheck]+stats.Errors[store.OpDecode] == 0, "the storage: %+v", stats)
	if err := os.RemoveAll(copied); err != nil {
		t.Fatal(err)
	}
	return records
}

// finished returns the tasks that are known to be finished.
func (k kept) finished() map[string]bool {
	ids := map[string]bool{}
	for id, r := range k {
		if r.State.Finished() {
			ids[id] = true
		}
	}
	return ids
}

// counted returns by group how many tasks were counted after an earlier time.
func (k kept) counted(earlier kept) map[string]int {
	n := map[string]int{}
	for id, r := range k {
		if r.Counted && !earlier[id].Counted {
			n[r.Group]++
		}
	}
	return n
}

// checkAgainst holds the records that a process left to the truth, and to those that it found when it started.
func (k kept) checkAgainst(p *process, b *book, v *verdict) {
	for id, was := range p.kept {
		is, ok := k[id]
		v.check(finalStays, ok && (!was.State.Finished() || is.State == was.State), "record of %s was %+v, is %+v", id, was, is)
		v.check(countedOnce, !was.Counted || is.Counted, "%s was counted, and is so no longer", id)
	}
	for id, r := range k {
		f, ok := b.fact(id)
		if !ok {
			v.check(onlyListed, b.cutShort(id), "there is a record of %q", id)
			continue
		}
		if !r.State.Finished() {
			continue
		}
		err := f.contradicts(r.State.String(), r.Created, r.Completed, r.Credits)
		v.check(nothingWrong, err == nil, "on disk: %v", err)
		if was := p.kept[id]; !was.State.Finished() {
			// What finished before the process began, and was not seen before, may have done so long ago.
			old := !was.Watched && f.completed.Time().Before(p.started)
			v.check(newsCounted, r.Counted || old, "%s finished while it was watched, and is not counted", id)
			v.check(newsCounted, !r.Counted || !f.historic, "%s finished long before, and is counted", id)
		}
	}
	// A process shows no more than what is on disk, as nothing else is sure to be counted but once.
	counted := k.counted(p.kept)
	for group, shown := range p.totals.counted() {
		v.check(countedOnce, shown <= counted[group], "group %s: process %d showed %d counted tasks, %d are on disk",
			group, p.number, shown, counted[group])
	}
}
