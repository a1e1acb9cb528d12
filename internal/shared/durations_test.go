//go:build !noredis

package shared

import (
	"errors"
	"maps"
	"testing"

	"github.com/kie-exporter/kie_exporter/test/kit/redistest"
)

func TestWhoHoldsAPartKeepsWhatItLearned(t *testing.T) {
	server := redistest.Start(t)
	p := open(t, server, "c", memory(t))
	defer p.Close()
	p.take(t, whole, 1)
	ctx := t.Context()
	keep := func(learned map[string][]byte) error { return p.KeepDurations(ctx, whole, learned) }
	read := func() map[string][]byte {
		learned, err := p.Durations(ctx, "main")
		if err != nil {
			t.Fatal(err)
		}
		return learned
	}
	if n := len(read()); n != 0 {
		t.Errorf("%d are there before any was kept", n)
	}
	first, second := map[string][]byte{"video": {1, 0, 255}, "video\x00veo": {2}}, map[string][]byte{"video": {3}, "image": {4}}
	for _, learned := range []map[string][]byte{first, second, nil} {
		if err := keep(learned); err != nil {
			t.Fatal(err)
		}
		want := learned
		if want == nil {
			want = second
		}
		if got := read(); !maps.EqualFunc(got, want, func(a, b []byte) bool { return string(a) == string(b) }) {
			t.Errorf("kept are %v, want %v", got, want)
		}
	}
	server.CLI(t, "set", p.fence(whole), "9999|other")
	if err := keep(first); !errors.Is(err, ErrFenced) || len(read()["image"]) == 0 {
		t.Errorf("who held it before writes on: %v", err)
	}
	server.CLI(t, "set", p.key("main", "durations"), "x")
	if _, err := p.Durations(ctx, "main"); err == nil {
		t.Error("something else is read as if it were what was learned")
	}
}
