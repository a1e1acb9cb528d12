package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/kie-exporter/kie_exporter/internal/source"
)

func TestPushedIDsAreThereAgainWithEndpointModelAndLabels(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	long := strings.Repeat("x", 128)
	want := []source.Task{
		{ID: "a"},
		{ID: "b", Model: "m/1"},
		{ID: "c", Labels: map[string]string{"order": "17", "team": ""}},
		{ID: "d", Endpoint: "suno"},
		{ID: "e", Endpoint: "gpt4o_image", Model: "m", Labels: map[string]string{"order": "17"}},
		{ID: long, Model: long, Labels: map[string]string{long[:64]: long}},
		{ID: "ü /é"},
	}
	var changes []source.Pushed
	for _, task := range want {
		changes = append(changes, source.Pushed{Group: "g", Task: task}, source.Pushed{Group: "other", Task: task})
	}
	if err := s.SavePushes(changes); err != nil {
		t.Fatal(err)
	}
	if err := s.SavePushes([]source.Pushed{{Group: "other", Task: source.Task{ID: "b"}, Gone: true}, {Group: "g", Task: source.Task{ID: "nope"}, Gone: true}}); err != nil {
		t.Fatal(err)
	}
	s.Put(acct, id(1), record(1), nil)
	s.write(time.Now())
	s.Close()
	again := open(t, dir)
	defer again.Close()
	got := make(map[string]source.Task)
	tasks, err := again.Pushes("g")
	for _, task := range tasks {
		got[task.ID] = task
	}
	for _, task := range want {
		if !reflect.DeepEqual(got[task.ID], task) {
			t.Errorf("got %+v, want %+v", got[task.ID], task)
		}
	}
	if others, _ := again.Pushes("other"); err != nil || len(others) != len(want)-1 {
		t.Errorf("%d ids of another group: %v", len(others), err)
	}
	if n := again.Stats().Errors[OpCheck] + again.Stats().Errors[OpDecode]; n > 0 || again.Find(acct, []string{id(1)})[0] != record(1) {
		t.Errorf("%d errors", n)
	}
}

// A version that knows no pushes reads a file that never had any.
func TestOnlyTheFirstPushMakesTheFileOneOfALaterFormat(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	formatNow := func() (n int64) {
		_ = s.file.view(func(meta, _ *bbolt.Bucket) error {
			n = unsealNumber([]byte(keyFormat), meta.Get([]byte(keyFormat)))
			return nil
		})
		return n
	}
	s.Put(acct, id(1), record(1), nil)
	s.write(time.Now())
	if n := formatNow(); n != format {
		t.Errorf("without pushes the format is %d", n)
	}
	if err := s.SavePushes([]source.Pushed{{Group: "g", Task: source.Task{ID: "a"}}}); err != nil {
		t.Fatal(err)
	}
	s.Put(acct, id(2), record(2), nil)
	s.write(time.Now())
	if n := formatNow(); n != pushFormat {
		t.Errorf("with pushes the format is %d", n)
	}
	s.Close()
}

// What was pushed before there were endpoints is asked about where its group says; an endpoint that there is not makes none of another.
func TestAPushedIDIsReadAsItWasWritten(t *testing.T) {
	key := []byte(keyOf("g", "a"))
	value := func(content string) []byte { return seal(string(key), append(newSealed(len(content)), content...)) }
	for name, tt := range map[string]struct {
		content string
		want    source.Task
		bad     bool
	}{
		"before there were endpoints":          {content: "\x01\x01m\x01x\x01y", want: source.Task{ID: "a", Model: "m", Labels: map[string]string{"x": "y"}}},
		"with an endpoint":                     {content: "\x02\x04suno\x01m", want: source.Task{ID: "a", Endpoint: "suno", Model: "m"}},
		"an unknown endpoint":                  {content: "\x02\x04opus\x01m", bad: true},
		"no endpoint, though one is announced": {content: "\x02\x00\x01m", bad: true},
		"cut short in the endpoint":            {content: "\x02\x04su", bad: true},
		"a later version":                      {content: "\x03\x04suno\x01m", bad: true},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := decodePush(key, value(tt.content), make(texts), nil)
			if ok == tt.bad || ok && !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%+v, %v; want %+v", got, ok, tt.want)
			}
		})
	}
	if plain := encodePush(string(key), &source.Task{ID: "a", Model: "m"}); string(plain) != string(value("\x01\x01m")) {
		t.Errorf("an id without an endpoint is written as %q, which versions before can't read", plain)
	}
}

func TestAPushedIDThatWasChangedOnDiskIsNotBelieved(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if err := s.SavePushes([]source.Pushed{{Group: "g", Task: source.Task{ID: "a"}}, {Group: "g", Task: source.Task{ID: "b", Model: "m"}}}); err != nil {
		t.Fatal(err)
	}
	err := s.file.db.Update(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket([]byte(bucketPushes))
		b := bucket.Get([]byte(keyOf("g", "b")))
		return errors.Join(bucket.Put([]byte(keyOf("g", "c")), b), bucket.Put([]byte(keyOf("g", "d")), nil))
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	again := open(t, dir)
	defer again.Close()
	tasks, err := again.Pushes("g")
	if err != nil || len(tasks) != 2 || again.Stats().Errors[OpDecode] == 0 {
		t.Errorf("%+v, %v, %d errors", tasks, err, again.Stats().Errors[OpDecode])
	}
}

func TestAStorageWithoutAFileTakesNoPush(t *testing.T) {
	openFilesMove(t)
	dir := filepath.Join(t.TempDir(), "data")
	s := open(t, dir)
	defer s.Close()
	if err := s.SavePushes([]source.Pushed{{Group: "g", Task: source.Task{ID: "a"}}}); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := s.SavePushes([]source.Pushed{{Group: "g", Task: source.Task{ID: "b"}}}); !errors.Is(err, errGone) {
		t.Errorf("a file that is gone takes a push: %v", err)
	}
	before := s.PushesFile()
	s.step(time.Now(), tracked{})
	if err := s.SavePushes([]source.Pushed{{Group: "g", Task: source.Task{ID: "b"}}}); err == nil || s.PushesFile() != 0 {
		t.Errorf("a storage that is down takes a push: %v", err)
	}
	s.step(later(), tracked{})
	if now := s.PushesFile(); now == 0 || now == before {
		t.Errorf("the file is number %d, and was %d: nobody can tell that everything is to be saved again", now, before)
	}
}

// pushes are some ids pushed to a group.
func pushes(group string, n int) (all []source.Pushed) {
	for i := range n {
		all = append(all, source.Pushed{Group: group, Task: source.Task{ID: id(i), Model: "m", Labels: map[string]string{"order": "17"}}})
	}
	return all
}

// Many pushed ids are read in parts.
func TestManyPushedIDsAreReadInOrder(t *testing.T) {
	s := open(t, t.TempDir())
	for _, count := range []int{pushesAtATime - 1, pushesAtATime, pushesAtATime + 1, 2*pushesAtATime + 5} {
		var changes []source.Pushed
		for i := range count {
			changes = append(changes, source.Pushed{Group: "g", Task: source.Task{ID: fmt.Sprintf("%09d", i)}})
		}
		if err := s.SavePushes(changes); err != nil {
			t.Fatal(err)
		}
		tasks, err := s.Pushes("g")
		if err != nil || len(tasks) != count {
			t.Fatalf("%d ids of %d: %v", len(tasks), count, err)
		}
		for i := range tasks {
			if tasks[i].ID != changes[i].Task.ID {
				t.Fatalf("id %d is %s", i, tasks[i].ID)
			}
		}
	}
}
