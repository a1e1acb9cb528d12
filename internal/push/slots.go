// How many pushes are under way at a time, and who has to go when there is no room.

package push

import (
	"net/http"
	"sync"
	"time"
)

const (
	// atATime is how many pushes are under way at the most.
	atATime = 64
	// mostReading is how long a body may take to come, and slowReading how long while somebody else waits for a slot.
	mostReading, slowReading = 20 * time.Second, 2 * time.Second
	// patience is how long somebody waits for a slot that has just been taken from somebody else.
	patience = 500 * time.Millisecond
)

// slots are what pushes take while they are read and saved. They are lent: when all are taken, the one whose body has been coming for
// longest has to go.
type slots struct {
	tokens chan struct{}

	mu    sync.Mutex // guards what follows, and every slot
	taken map[*slot]bool
}

// slot is one that is taken. The lock of the slots guards what it holds.
type slot struct {
	all     *slots
	control *http.ResponseController
	began   time.Time
	reading bool
	cut     bool
}

func newSlots() *slots {
	return &slots{tokens: make(chan struct{}, atATime), taken: make(map[*slot]bool)}
}

// take takes a slot, in which a body may be read for some time; nil: there is none.
func (all *slots) take(w http.ResponseWriter) *slot {
	select {
	case all.tokens <- struct{}{}:
	default:
		if !all.cutOff(time.Now()) {
			return nil
		}
		timeout := time.NewTimer(patience)
		defer timeout.Stop()
		select {
		case all.tokens <- struct{}{}:
		case <-timeout.C:
			return nil
		}
	}
	p := &slot{all: all, control: http.NewResponseController(w), began: time.Now(), reading: true}
	_ = p.control.SetReadDeadline(p.began.Add(mostReading)) // a recorder in a test has none
	all.mu.Lock()
	defer all.mu.Unlock()
	all.taken[p] = true
	return p
}

// cutOff ends the reading of the body that has been coming for longest, if that is too long.
func (all *slots) cutOff(now time.Time) bool {
	all.mu.Lock()
	defer all.mu.Unlock()
	var first *slot
	for p := range all.taken {
		if p.reading && !p.cut && now.Sub(p.began) >= slowReading && (first == nil || p.began.Before(first.began)) {
			first = p
		}
	}
	if first == nil {
		return false
	}
	first.cut = true
	_ = first.control.SetReadDeadline(now)
	return true
}

// read notes that the body is there, or can't be read: what takes time now is not the client's fault.
func (p *slot) read() {
	p.all.mu.Lock()
	defer p.all.mu.Unlock()
	p.reading = false
}

func (p *slot) wasCut() bool {
	p.all.mu.Lock()
	defer p.all.mu.Unlock()
	return p.cut
}

func (p *slot) giveBack() {
	p.all.mu.Lock()
	delete(p.all.taken, p)
	p.all.mu.Unlock()
	<-p.all.tokens
}
