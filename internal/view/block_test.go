package view

import (
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// fill gives every field a value other than its zero; texts, times and numbers are all different.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.Struct:
		if at, ok := reflect.TypeAssert[*time.Time](v.Addr()); ok {
			*at = time.UnixMilli(1_700_000_000_000 + int64(*n)) // blocks hold times to the millisecond
			return
		}
		for _, field := range v.Fields() {
			fill(field, n)
		}
	case reflect.String:
		v.SetString("text " + strconv.Itoa(*n))
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{"key": "value"}))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int64:
		v.SetInt(1_700_000_000_000 + int64(*n))
	case reflect.Uint8:
		v.SetUint(3)
	case reflect.Float64:
		v.SetFloat(float64(*n))
	default:
		panic(v.Type().String())
	}
}

func TestABlockTellsAllOfItsTasks(t *testing.T) {
	n := 0
	var first, second Task
	fill(reflect.ValueOf(&first).Elem(), &n)
	fill(reflect.ValueOf(&second).Elem(), &n)
	second.Group = first.Group
	b := NewBlock(first, Task{Group: "other", Task: kie.Task{ID: "bare"}}, second)
	for i, want := range []Task{first, {Group: "other", Task: kie.Task{ID: "bare"}}, second} {
		want.Updated, want.Took, want.HasResult = 0, 0, false // which do not outlive the answer
		var got Task
		if b.Read(i, &got); !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
	counts := map[string]int{"other": 1}
	if b.CountByGroup(counts); counts[first.Group] != 2 || counts["other"] != 2 || b.Len() != 3 {
		t.Errorf("%d tasks, by group %v", b.Len(), counts)
	}
}

func TestWhatManyTasksHaveInCommonIsHeldOnce(t *testing.T) {
	block := func() *Block {
		return NewBlock(
			Task{Group: strings.Clone("g"), Account: "a", Task: kie.Task{ID: "1", Model: "m"}},
			Task{Group: strings.Clone("g"), Account: "a", Task: kie.Task{ID: "2", Model: "n"}},
			Task{Group: strings.Clone("g"), Account: "a", Task: kie.Task{ID: "3", Model: "m"}},
		)
	}
	a, b := block().tasks, block().tasks
	if a[0].Kind != a[2].Kind || a[0].Kind != b[0].Kind || a[1].Kind != b[1].Kind || a[0].Kind == a[1].Kind {
		t.Error("two tasks of the same group, account and model have two of it, or others have one")
	}
}

func TestATaskInABlockTakes88Bytes(t *testing.T) {
	const pointer = unsafe.Sizeof(uintptr(0))
	if size := unsafe.Sizeof(held{}); pointer == 8 && size != 88 || size > 88 {
		t.Errorf("%d bytes, of %d as a Task", size, unsafe.Sizeof(Task{}))
	}
}
