//go:build !noredis

package shared

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/test/kit/redistest"
)

// pushing opens the store of a process that knows group g of account a.
func pushing(t *testing.T, server *redistest.Server, local Copy) process {
	t.Helper()
	p := open(t, server, "c", local)
	p.accountOf = func(group string) (string, bool) { return "a", group == "g" || group == "h" }
	t.Cleanup(p.Close)
	return p
}

func added(group string, ids ...string) (all []source.Pushed) {
	for _, id := range ids {
		all = append(all, source.Pushed{Group: group, Task: source.Task{ID: id, Model: "m", Labels: map[string]string{"team": "film"}}})
	}
	return all
}

func gone(group string, ids ...string) (all []source.Pushed) {
	for _, id := range ids {
		all = append(all, source.Pushed{Group: group, Task: source.Task{ID: id}, Gone: true})
	}
	return all
}

// outcomes returns what became of ids, as text.
func outcomes(t *testing.T, p process, most int, changes []source.Pushed) string {
	t.Helper()
	all, err := p.Push(t.Context(), Part{"a", 0}, changes, most)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, o := range all {
		texts = append(texts, fmt.Sprint(o.Changed, o.Refused))
	}
	return strings.TrimSpace(strings.Join(texts, " "))
}

func (p process) notes(t *testing.T, taken Journal, short map[string]source.Rejection) (Journal, string) {
	t.Helper()
	j, err := p.Take(t.Context(), Part{"a", 0}, taken, short)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, n := range j.Notes {
		texts = append(texts, string(n.Kind)+n.Group+n.ID)
	}
	return j, strings.Join(texts, " ")
}

func ids(tasks []source.Task) string {
	var all []string
	for _, t := range tasks {
		all = append(all, t.ID)
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func TestAnyReplicaKeepsPushesAndTheHolderTakesThem(t *testing.T) {
	server := redistest.Start(t)
	holder, other := pushing(t, server, store.Memory{}), pushing(t, server, store.Memory{})
	part := Part{"a", 0}
	if got := outcomes(t, other, 100, append(added("g", "x", "y"), added("h", "x")...)); got != "true true true" {
		t.Errorf("pushed: %s", got)
	}
	holder.take(t, part, 1)
	if tasks, err := holder.Pushes("g"); err != nil || ids(tasks) != "x y" || tasks[0].Model != "m" || tasks[0].Labels["team"] != "film" {
		t.Errorf("%v, %v", tasks, err)
	}
	j, got := holder.notes(t, Journal{}, nil)
	if got != "+gx +gy +hx" {
		t.Errorf("notes: %s", got)
	}
	if _, again := holder.notes(t, Journal{}, nil); again != got {
		t.Errorf("notes that were not taken: %s", again)
	}
	if got := outcomes(t, other, 100, append(added("g", "x", "z"), gone("g", "y", "none")...)); got != "false true true false" {
		t.Errorf("pushed again, and forgotten: %s", got)
	}
	j, got = holder.notes(t, j, nil)
	if got != "+gz -gy" {
		t.Errorf("notes after what was taken: %s", got)
	}
	if tasks, err := holder.Pushed(t.Context(), "a", "g", []string{"x", "y", "z"}); err != nil || ids(tasks) != "x z" {
		t.Errorf("%v, %v", tasks, err)
	}

	// What the holder saves by itself needs no note.
	if err := holder.SavePushes(append(added("g", "own"), gone("g", "x")...)); err != nil {
		t.Fatal(err)
	}
	if j, got = holder.notes(t, j, map[string]source.Rejection{"g": source.RejectedMaxTasks, "h": ""}); got != "" {
		t.Errorf("notes of its own: %s", got)
	}

	// A group that lacks room says so to all, until it has some.
	if got := outcomes(t, other, 100, append(added("g", "z", "full"), added("h", "more")...)); got != "false falsemax_tasks true" {
		t.Errorf("pushed to a full group: %s", got)
	}
	j, _ = holder.notes(t, j, map[string]source.Rejection{"g": "", "h": ""})
	if got := outcomes(t, other, 3, added("g", "third", "fourth")); got != "true falselimit" {
		t.Errorf("pushed beyond the limit: %s", got)
	}

	// Another one takes the part: it is told all that was not taken, and the one before nothing more.
	next := pushing(t, server, store.Memory{})
	next.take(t, part, 2)
	if _, err := holder.Take(t.Context(), part, j, nil); err == nil {
		t.Error("who holds the part no more takes notes")
	}
	if err := holder.SavePushes(added("g", "late")); err != nil { // it counts, and is noted
		t.Fatal(err)
	}
	if err := other.Hint(t.Context(), part, "called"); err != nil {
		t.Fatal(err)
	}
	if _, got := next.notes(t, j, nil); got != "+hmore +gthird +glate ?called" {
		t.Errorf("the next one is told %s", got)
	}
	if values := server.CLI(t, "hgetall", "kie1:{c:a}:meta"); !strings.Contains(values, "pushed:0:g") {
		t.Errorf("it is not counted: %s", values)
	}
}

func TestAJournalThatNobodyTakesStaysShort(t *testing.T) {
	server := redistest.Start(t)
	p := pushing(t, server, store.Memory{})
	part := Part{"a", 0}
	for n := range mostNotes/batchSize + 1 {
		var some []string
		for i := range batchSize {
			some = append(some, fmt.Sprintf("%d-%d", n, i))
		}
		outcomes(t, p, 1_000_000, added("g", some...))
	}
	if n := server.CLI(t, "llen", "kie1:{c:a}:journal:0"); n != "1" {
		t.Errorf("%s notes", n)
	}
	p.take(t, part, 1)
	if _, got := p.notes(t, Journal{}, nil); got != "*" {
		t.Errorf("notes: %s", got)
	}
	if tasks, err := p.Pushes("g"); err != nil || len(tasks) != mostNotes+batchSize {
		t.Errorf("%d ids, %v", len(tasks), err)
	}
	for range mostNotes {
		if p.Hint(t.Context(), part, "x") != nil {
			return
		}
	}
	t.Error("hints are taken without end")
}

func TestWhatWasPushedToAProcessAloneComesIntoRedis(t *testing.T) {
	server := redistest.Start(t)
	disk, err := store.Open(t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := disk.SavePushes(added("g", "old", "older")); err != nil {
		t.Fatal(err)
	}
	p := pushing(t, server, disk)
	p.take(t, Part{"a", 0}, 1)
	if tasks, err := p.Pushes("g"); err != nil || ids(tasks) != "old older" {
		t.Errorf("%v, %v", tasks, err)
	}
	if left, err := disk.Pushes("g"); err != nil || len(left) != 0 {
		t.Errorf("left on disk: %v, %v", left, err)
	}
	if _, err := p.Pushes("none"); err == nil {
		t.Error("a group that there is not has ids")
	}
}

func TestAServerThatIsAwayOrGarbageTakesNoPush(t *testing.T) {
	server := redistest.Start(t)
	p := pushing(t, server, store.Memory{})
	part := Part{"a", 0}
	p.take(t, part, 1)
	outcomes(t, p, 100, added("g", "x", "y"))
	server.CLI(t, "hset", p.pushBucket("a", "g", "x"), "x", "garbage")
	server.CLI(t, "rpush", p.journal(part), "garbage", "")
	if _, got := p.notes(t, Journal{}, nil); got != "+gx +gy * *" {
		t.Errorf("notes: %s", got)
	}
	if tasks, err := p.Pushes("g"); err != nil || ids(tasks) != "y" || p.Stats().Errors[store.OpDecode] != 1 {
		t.Errorf("%v, %v, %v", tasks, err, p.Stats().Errors)
	}
	before := p.PushesFile()
	server.CLI(t, "flushall")
	p.writePart(t.Context(), part, true)
	if p.PushesFile() == before {
		t.Error("Redis lost its memory, and what was saved is not saved again")
	}
	server.CLI(t, "set", p.pushBucket("a", "g", "z"), "no hash")
	if _, err := p.Push(t.Context(), part, added("g", "z"), 100); err == nil || server.CLI(t, "get", p.pushBucket("a", "g", "z")) != "no hash" {
		t.Errorf("a key that is not ours takes an id: %v", err)
	}
	server.Kill()
	if _, err := p.Push(t.Context(), part, added("g", "w"), 100); err == nil {
		t.Error("a server that is away takes an id")
	}
	if err := p.SavePushes(added("g", "w")); err == nil {
		t.Error("a server that is away takes an id")
	}
}

func TestAPushedIDTakesLittleMemory(t *testing.T) {
	const n = 20_000
	server := redistest.Start(t)
	p := pushing(t, server, store.Memory{})
	used := func() int {
		for line := range strings.Lines(server.CLI(t, "info", "memory")) {
			if v, ok := strings.CutPrefix(strings.TrimSpace(line), "used_memory:"); ok {
				bytes, _ := strconv.Atoi(v)
				return bytes
			}
		}
		return 0
	}
	outcomes(t, p, n, added("g", "warm"))
	before, began := used(), time.Now()
	all := make(map[string]bool)
	for i := range n {
		all[fmt.Sprintf("%032x", i)] = true
	}
	for some := range slices.Chunk(slices.Sorted(maps.Keys(all)), batchSize) {
		outcomes(t, p, 2*n, added("g", some...))
	}
	took := time.Since(began)
	p.take(t, Part{"a", 0}, 1)
	for next, text := p.notes(t, Journal{}, nil); text != ""; {
		next, text = p.notes(t, next, nil)
	}
	each := (used() - before) / n
	t.Logf("%d bytes an id; %v for %d", each, took, n)
	if each > 200 {
		t.Errorf("an id takes %d bytes", each)
	}
}
