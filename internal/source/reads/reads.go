// Package reads keeps how the reads of a source went, and logs when they begin to fail and when they succeed again.
package reads

import (
	"errors"
	"io/fs"
	"log/slog"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source"
)

// Reads is how the reads of a source went. It has no lock: the set's guards it.
type Reads struct {
	WasRead     bool      // it was read at least once
	LastSuccess time.Time // zero: none yet
	FailedAt    time.Time // the first time since it could be read; zero: it can
	Errors      uint64
	Err         error // of the last read that ended by itself
	Last        error // of the last read
	Owed        bool  // something that was there at the start could not be read yet

	told   string    // why reads fail, as it was logged last
	toldAt time.Time // when
}

// toldAgain is how long after a reason was logged another one is.
const toldAgain = 10 * time.Minute

// End records how a read went, the first one or a later one. A read that was cut short is not counted.
func (r *Reads) End(err error, first, short bool, now time.Time, log *slog.Logger) {
	// What was there at the start but could not be read is still a backlog when it can. A file that was not there is none.
	read := err == nil || source.IsPartial(err)
	r.Owed = !read && (r.Owed || first && !errors.Is(err, fs.ErrNotExist))
	r.Last = err
	if !short && !r.IsUnfinished() {
		r.note(err, now, log)
	}
}

// IsUnfinished reports whether the last read did not come to the end and goes on.
func (r *Reads) IsUnfinished() bool { return errors.Is(r.Last, source.ErrUnfinished) }

// note records how a read went that ended by itself. Only the beginning and the end of a failure are logged, and another reason that it has after
// a while.
func (r *Reads) note(err error, now time.Time, log *slog.Logger) {
	partial, failing := source.IsPartial(err), r.Err != nil
	r.Err = err
	r.WasRead = r.WasRead || err == nil || partial
	if err == nil {
		r.LastSuccess, r.FailedAt = now, time.Time{}
		if failing {
			log.Info("Source can be read again")
		}
		return
	}
	r.Errors++
	if !failing {
		r.FailedAt = now
	} else if err.Error() == r.told || now.Sub(r.toldAt) < toldAgain {
		return
	}
	r.told, r.toldAt = err.Error(), now
	if partial {
		log.Warn("Source has entries that are no lists, the others are read", "err", err)
	} else {
		log.Warn("Source can't be read, its tasks are kept", "err", err)
	}
}
