// Package reads keeps how the reads of a source went, and logs when they begin to fail and when they succeed again.
package reads

import (
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
}

// Note records how a read went that ended by itself. Only the beginning and the end of a failure are logged.
func (r *Reads) Note(err error, now time.Time, log *slog.Logger) {
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
	if failing {
		return
	}
	r.FailedAt = now
	if partial {
		log.Warn("Source has entries that are no lists, the others are read", "err", err)
	} else {
		log.Warn("Source can't be read, its tasks are kept", "err", err)
	}
}
