package app_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

// The disk is full when a push has been read and is to be written, and its producer waits for the answer.
func TestAFullDiskIsAnsweredWith503AndNothingThatWasAcknowledgedIsLost(t *testing.T) {
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=2097152"); err != nil {
		t.Skipf("needs the right to mount a tmpfs: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) })
	data := "--storage.path=" + filepath.Join(disk, "data")
	p := startPushing(t, pushSettings, data)
	p.wantPush(asText, "before\n", http.StatusOK, `{"accepted":1,`)
	filler := filepath.Join(disk, "filler")
	if err := os.WriteFile(filler, make([]byte, 4<<20), 0o600); err == nil {
		t.Fatal("the disk is not full")
	}
	body := manyIDs(20_000) // more than what free pages of the file have room for
	header := http.Header{"Content-Type": {asText}, "Authorization": {"Bearer " + canaryToken}}
	status, answer, got := p.exchange(http.MethodPost, "/api/v1/groups/g/tasks", header, body)
	if status != http.StatusServiceUnavailable || got.Get("Retry-After") == "" || !strings.Contains(answer, "takes no ids") {
		t.Errorf("%d %s, Retry-After %q", status, answer, got.Get("Retry-After"))
	}
	p.until(5*time.Second, `kie_exporter_source_tasks{group="g",source="push"} 1`, `kie_exporter_pushes_total{group="g",result="unavailable"} 1`)
	p.wantPush(asText, "before\n", http.StatusOK, `{"accepted":0,"known":1,`)
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	wait.Until(t, 30*time.Second, 100*time.Millisecond, func() error { // it may be sent again, as it is
		status, answer := p.push("g", asText, "after\n")
		if status != http.StatusOK {
			return fmt.Errorf("%d %s", status, answer)
		}
		return nil
	})
	p.end()
	again := &pushing{program: start(t, data, "--config.file="+filepath.Join(p.dir, "kie.yml"))}
	again.untilReady()
	again.wantPush(asText, "before\nafter\n", http.StatusOK, `{"accepted":0,"known":2,`)
}

func manyIDs(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%064d\n", i)
	}
	return b.String()
}
