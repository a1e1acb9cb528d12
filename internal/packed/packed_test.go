package packed

import (
	"math"
	"reflect"
	"testing"
	"testing/quick"
	"time"
	"unsafe"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// names is a kind with nothing but its names.
type names struct{ model, failCode string }

func (n *names) Names() (model, failCode string) { return n.model, n.failCode }

func TestPackedFactsTake48Bytes(t *testing.T) {
	const pointer = unsafe.Sizeof(uintptr(0))
	if size := unsafe.Sizeof(Task[*names]{}); pointer == 8 && size != 48 || size > 48 {
		t.Errorf("%d bytes", size)
	}
	if size := unsafe.Sizeof(kie.Task{}); pointer == 8 && size != 112 {
		t.Errorf("the facts as they come take %d bytes, which the package says otherwise", size)
	}
}

// What is packed is unpacked as it was, but for what does not outlive the answer, and credits and times are what they were to the last bit.
func TestWhatIsPackedIsUnpackedAsItWas(t *testing.T) {
	if err := quick.Check(func(f kie.Task, created, completed int64) bool {
		f.Created, f.Completed = kie.Time(created>>16), kie.Time(completed>>16)
		kind := &names{f.Model, f.FailCode}
		packed := Pack(&f, kind)
		var got kie.Task
		packed.Unpack(&got)
		f.Updated, f.Took, f.HasResult = 0, 0, false
		return reflect.DeepEqual(got, f) && packed.Kind == kind
	}, nil); err != nil {
		t.Error(err)
	}
}

func TestAGuessIsNoCompletion(t *testing.T) {
	p := Pack(&kie.Task{State: kie.StateFail, Created: 3}, &names{})
	if p.Guess(7); p.Completed() != 0 || p.Ended() != 7 || p.Created() != 3 {
		t.Errorf("completed %d, ended %d, created %d", p.Completed(), p.Ended(), p.Created())
	}
	p = Pack(&kie.Task{State: kie.StateFail, Completed: 5}, &names{})
	if p.Completed() != 5 || p.Ended() != 5 {
		t.Errorf("completed %d, ended %d", p.Completed(), p.Ended())
	}
}

func TestTimesInSixBytes(t *testing.T) {
	for _, at := range []kie.Time{0, 1, -1, 1<<16 - 1, 1 << 16, 1 << 32, kie.EndOfTime, kie.TimeOf(time.Now()), -1 << 40, latest, earliest} {
		if got := PackTime(at).Unpack(); got != at {
			t.Errorf("%d becomes %d", at, got)
		}
	}
	if late, early := PackTime(math.MaxInt64).Unpack(), PackTime(math.MinInt64).Unpack(); late != latest || early != earliest {
		t.Errorf("what is beyond them becomes %d and %d", late, early)
	}
}
