package labels

import (
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

func TestModelsBeyondTheLimitAreOther(t *testing.T) {
	l := New(2)
	for _, step := range []struct {
		name, want string
		isName     bool
	}{
		{"a", "a", true}, {"b", "b", true}, {"c", kie.Other, false}, {"a", "a", true}, {"", "", true}, {kie.Other, kie.Other, true},
	} {
		if got, isName := l.Model(step.name); got != step.want || isName != step.isName {
			t.Errorf("%q is shown as %q, %v; want %q, %v", step.name, got, isName, step.want, step.isName)
		}
	}
	if gone := l.KeepModels(map[string]struct{}{"b": {}}); len(gone) != 1 {
		t.Errorf("forgotten is %v, want a", gone)
	}
	if got, _ := l.Model("c"); got != "c" {
		t.Errorf("c is shown as %q when a has made room", got)
	}
	if l.SetModels(3); !l.models.admits("d") {
		t.Error("d is not admitted to more room")
	}
}

func TestFailCodesBeyondTheLimitAreOtherAndCounted(t *testing.T) {
	l := New(0)
	for i := range maxCodes + 3 {
		code := "code" + strconv.Itoa(i)
		switch got := l.Code(code); {
		case i < maxCodes && got != code, i >= maxCodes && got != kie.Other:
			t.Errorf("%s is shown as %s", code, got)
		}
	}
	if l.Overflows.Code != 3 || !l.CodesAreFull() {
		t.Errorf("%d codes had no room, want 3", l.Overflows.Code)
	}
	if none := l.Code(""); none != kie.NoCode {
		t.Errorf("no code is shown as %q", none)
	}
	l.KeepCodes(map[string]struct{}{"code0": {}, "never seen": {}})
	if l.CodesAreFull() || !l.HasCode("code0") || l.HasCode("code1") || l.HasCode("never seen") {
		t.Error("not the codes that are used are kept")
	}
	for _, code := range []string{kie.Other, kie.NoCode, "code0", "late"} {
		if got := l.Code(code); got != code || !l.HasCode(code) {
			t.Errorf("%q is shown as %q where there is room", code, got)
		}
	}
	if l.Overflows.Code != 3 || len(l.codes.values) != 2 {
		t.Errorf("%d codes had no room, want 3; %d take some, want 2", l.Overflows.Code, len(l.codes.values))
	}
}

func TestLabelKeysBeyondTheLimitAreNotShown(t *testing.T) {
	l := New(0)
	labels := map[string]string{}
	for i := range maxKeys {
		labels["k"+strconv.Itoa(i)] = ""
	}
	if !l.AdmitKeys(labels) || !slices.Equal(l.Keys(), slices.Sorted(maps.Keys(labels))) {
		t.Errorf("shown are %v", l.Keys())
	}
	if l.AdmitKeys(map[string]string{"late": "", "k1": ""}) || slices.Contains(l.Keys(), "late") {
		t.Error("a key beyond the limit is admitted")
	}
	l.KeepKeys(slices.Values([]map[string]string{{"k1": "", "k2": ""}, {"k2": "", "late": ""}}))
	if !slices.Equal(l.Keys(), []string{"k1", "k2"}) {
		t.Errorf("kept are %v, want k1 and k2", l.Keys())
	}
	l.KeepKeys(slices.Values([]map[string]string(nil)))
	if !slices.Equal(l.Keys(), []string{"k1", "k2"}) {
		t.Errorf("%v are left where there was room", l.Keys())
	}
}
