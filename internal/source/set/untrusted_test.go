// What somebody who may write a list can cost: time, memory and log.

package set

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kie-exporter/kie_exporter/internal/source/files"
	"github.com/kie-exporter/kie_exporter/internal/source/parsed"
	"github.com/kie-exporter/kie_exporter/test/kit/lists"
)

func TestAListIsReadAndParsedOutsideTheLock(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "l.jsonl")
	if err := os.WriteFile(path, []byte(lists.Created("a")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	set, err := New([]Group{{Name: "g", Files: []files.Pattern{{Written: path, Path: path}}}}, tasks(10), newTracked(t), discard())
	if err != nil {
		t.Fatal(err)
	}
	outside, calls := set.ledger.Outside, 0
	set.ledger.Outside = func(slow func()) {
		outside(func() {
			calls++
			set.Reports() // would wait for ever
			slow()
		})
	}
	if err := set.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if calls != 3 {
		t.Errorf("%d times outside the lock, want 3: to open, to read and to parse", calls)
	}
	if r := set.Reports()[0]; r.IDs != 1 {
		t.Errorf("report %+v", r)
	}
}

// To take off what is around an id takes time, and what is as long as that is no id.
func TestAnIDIsLookedForInALittleTextAlone(t *testing.T) {
	for name, content := range map[string]string{
		"l.txt": strings.Repeat("\u200b", parsed.MaxRaw) + "a\n", "l.json": `["` + strings.Repeat("\u200b", parsed.MaxRaw) + `a"]`,
	} {
		ids, invalid, logs := listed(t, name, content)
		if ids != "" || invalid != 1 || !strings.Contains(logs, parsed.ErrNoID.Error()) {
			t.Errorf("%s: tracked %q, %d invalid: %s", name, ids, invalid, logs)
		}
	}
}
