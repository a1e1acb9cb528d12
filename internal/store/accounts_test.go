package store

import (
	"compress/gzip"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// several are tasks of several accounts, and the accounts of groups.
type several struct {
	accounts map[string]tracked
	groups   map[string]string
}

func (t several) Accounts() []string { return slices.Collect(maps.Keys(t.accounts)) }

func (t several) IDs(account string) []string { return t.accounts[account].IDs(account) }

func (t several) Records(account string, ids []string) []Record {
	return t.accounts[account].Records(account, ids)
}

func (t several) Listed(account, id string) bool { return t.accounts[account].Listed(account, id) }

func (several) TakesPushes(string) bool { return true }

func (t several) Owner(r Record) (string, bool) {
	account, ok := t.groups[r.Group]
	return account, ok
}

func TestAnIDHasARecordInEachAccount(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	s.Put("a", "task", record(1), nil)
	s.Put("b", "task", record(2), nil)
	check := func(s *Store) {
		t.Helper()
		for account, want := range map[string]Record{"a": record(1), "b": record(2), "c": {}, "": {}} {
			if got := s.Find(account, []string{"task"})[0]; got != want {
				t.Errorf("%s has %+v, want %+v", account, got, want)
			}
		}
	}
	check(s)
	s.write(time.Now())
	check(s)
	s.Close()
	s = open(t, dir)
	check(s)
	if n := s.Stats().Tasks; n != 2 {
		t.Errorf("%d records, want 2", n)
	}
}

func TestWhatIsLeftOutOfEachAccountIsMadeAgain(t *testing.T) {
	s := open(t, t.TempDir())
	all := several{accounts: map[string]tracked{"a": records(3), "b": {id(0): record(10)}}}
	s.Renew()
	s.step(time.Now().Add(rushInterval), all)
	for account, tasks := range all.accounts {
		for id, r := range tasks {
			if got := s.Find(account, []string{id})[0]; got != r {
				t.Errorf("%s of %s: %+v, want %+v", id, account, got, r)
			}
		}
	}
}

func TestARecordUnderAnotherAccountsKeyIsNotBelieved(t *testing.T) {
	dir, path := made(t, tracked{})
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(bucketTasks)).Put([]byte(keyOf("b", "task")), record(1).encode(keyOf("a", "task"), 0))
	})
	if err != nil || db.Close() != nil {
		t.Fatal(err)
	}
	if got := open(t, dir).Find("b", []string{"task"})[0]; got.Known() {
		t.Errorf("found %+v", got)
	}
}

// format1 returns a folder with a store as format 1 had it: tasks of the groups film, image and gone, by id alone.
func format1(t *testing.T) (dir string) {
	t.Helper()
	packed, err := os.Open(filepath.Join("testdata", "format1.db.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close() //nolint:errcheck // only read
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "kie_exporter.db"), content, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

var format1IDs = []string{"film-done", "film-open", "gone-done", "image-failed", "shared"}

func TestRecordsOfFormat1AreStillRead(t *testing.T) {
	s := open(t, format1(t))
	wantUp(t, s, true)
	found := s.Find("any", format1IDs)
	for i, r := range found {
		if !r.Known() || !r.KeptByID() {
			t.Errorf("%s: %+v", format1IDs[i], r)
		}
	}
	if r := found[0]; r.Group != "film" || r.State != kie.StateSuccess || r.Credits != 2.5 || !r.Counted {
		t.Errorf("a finished one: %+v", r)
	}
	if r := found[1]; r.State.Finished() || !r.Backlog {
		t.Errorf("an unfinished one: %+v", r)
	}
	if r := found[3]; r.State != kie.StateFail || r.FailCode != "500" || r.Reason != kie.ReasonOther {
		t.Errorf("a failed one: %+v", r)
	}
	if errs := s.Stats().Errors; errs[OpCheck]+errs[OpDecode] != 0 {
		t.Errorf("errors: %v", errs)
	}
}

func TestAnAccountsOwnRecordGoesBeforeOneKeptByID(t *testing.T) {
	s := open(t, format1(t))
	s.Put("main", "shared", record(1), nil)
	s.write(time.Now())
	if got := s.Find("main", []string{"shared"})[0]; got != record(1) {
		t.Errorf("found %+v", got)
	}
	if got := s.Find("other", []string{"shared"})[0]; !got.KeptByID() {
		t.Errorf("found for the other account: %+v", got)
	}
}

func TestRecordsOfFormat1GoToTheAccountsOfTheirGroups(t *testing.T) {
	dir := format1(t)
	s := open(t, dir)
	before := s.Find("", format1IDs)
	s.Put("second", "shared", record(1), nil)
	tasks := several{
		accounts: map[string]tracked{"first": {"film-done": record(1)}, "second": {}},
		groups:   map[string]string{"film": "first", "image": "second"},
	}
	start := time.Now()
	s.step(start, tasks)
	s.step(start.Add(firstSweep+time.Minute), tasks)
	s.Close()
	s = open(t, dir)
	for i, id := range format1IDs {
		want := before[i]
		want.byID = false
		owner := map[string]string{"film": "first", "image": "second"}[want.Group]
		if id == "shared" {
			want = record(1) // its own one is newer
		}
		for _, account := range []string{"first", "second"} {
			got := s.Find(account, []string{id})[0]
			switch {
			case id == "gone-done":
				if !got.KeptByID() {
					t.Errorf("%s is somebody's: %+v", id, got)
				}
			case account == owner && got != want, account != owner && got.Known():
				t.Errorf("%s for %s: %+v, want it for %s as %+v", id, account, got, owner, want)
			}
		}
	}
	if n := s.Stats().Tasks; n != len(format1IDs) {
		t.Errorf("%d records, want %d", n, len(format1IDs))
	}
	if s.file.found.format != format || s.file.found.byID != 1 {
		t.Errorf("the file is of format %d with %d records kept by id", s.file.found.format, s.file.found.byID)
	}
}

func TestARecordOfFormat1WhoseGroupIsGoneGoesAfter60Days(t *testing.T) {
	s := open(t, format1(t))
	tasks := several{groups: map[string]string{"film": "first", "image": "first"}, accounts: map[string]tracked{"first": {}}}
	start := time.Now()
	s.step(start, tasks)
	for _, days := range []int{0, 59, 61} {
		for i := range 2 {
			s.step(start.AddDate(0, 0, days).Add(firstSweep+time.Duration(i)*time.Minute), tasks)
		}
		if got := s.Find("first", []string{"gone-done"})[0].Known(); got != (days < 60) {
			t.Errorf("after %d days it is there: %t", days, got)
		}
	}
	if n := s.Stats().Tasks; n != 0 {
		t.Errorf("%d records are left", n)
	}
}
