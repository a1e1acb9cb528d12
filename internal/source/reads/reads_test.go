package reads

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source"
)

var (
	errDown    = errors.New("down")
	errPartial = &source.PartialError{Err: errDown}
	errAbsent  = fmt.Errorf("a.txt: %w", fs.ErrNotExist)
)

// read is one that ended, a second after the one before.
type read struct {
	err          error
	first, short bool
}

func TestWhatIsKeptOfReads(t *testing.T) {
	start := time.Unix(1_700_000_000, 0)
	at := func(n int) time.Time { return start.Add(time.Duration(n) * time.Second) }
	for name, c := range map[string]struct {
		reads []read
		want  Reads
		log   string // level and message of each line
	}{
		"read at once": {
			[]read{{first: true}, {}},
			Reads{WasRead: true, LastSuccess: at(1)},
			"",
		},
		"fails, and again": {
			[]read{{}, {err: errDown}, {err: errDown}},
			Reads{WasRead: true, LastSuccess: at(0), FailedAt: at(1), Errors: 2, Err: errDown, Last: errDown},
			"WARN Source can't be read, its tasks are kept\n",
		},
		"can be read again": {
			[]read{{err: errDown}, {}, {err: errDown}, {}},
			Reads{WasRead: true, LastSuccess: at(3), Errors: 2},
			strings.Repeat("WARN Source can't be read, its tasks are kept\nINFO Source can be read again\n", 2),
		},
		"some entries are no lists": {
			[]read{{err: errPartial, first: true}},
			Reads{WasRead: true, FailedAt: at(0), Errors: 1, Err: errPartial, Last: errPartial},
			"WARN Source has entries that are no lists, the others are read\n",
		},
		"cut short": {
			[]read{{}, {err: errDown, short: true}},
			Reads{WasRead: true, LastSuccess: at(0), Last: errDown},
			"",
		},
		"not at its end yet, then it is": {
			[]read{{err: source.ErrUnfinished, first: true}, {}},
			Reads{WasRead: true, LastSuccess: at(1)},
			"",
		},
		"not at its end yet": {
			[]read{{}, {err: source.ErrUnfinished}},
			Reads{WasRead: true, LastSuccess: at(0), Last: source.ErrUnfinished},
			"",
		},
	} {
		var log bytes.Buffer
		var r Reads
		for i, one := range c.reads {
			r.End(one.err, one.first, one.short, at(i), logger(&log))
		}
		r.Owed = false                     // see below
		r.told, r.toldAt = "", time.Time{} // likewise
		if r != c.want {
			t.Errorf("%s: %+v, want %+v", name, r, c.want)
		}
		if log.String() != c.log {
			t.Errorf("%s: logs\n%swant\n%s", name, log.String(), c.log)
		}
		if want := errors.Is(c.want.Last, source.ErrUnfinished); r.IsUnfinished() != want {
			t.Errorf("%s: unfinished is %v", name, r.IsUnfinished())
		}
	}
}

// Who mends one reason and has another one then learns of it from the log, and reasons that change at each read don't fill it.
func TestAnotherReasonIsToldAfterAWhile(t *testing.T) {
	var log bytes.Buffer
	var r Reads
	handler := slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key != "err" {
			return slog.Attr{}
		}
		return a
	}})
	read := func(minute int, err error) {
		r.End(err, false, false, time.Unix(1_700_000_000, 0).Add(time.Duration(minute)*time.Minute), slog.New(handler))
	}
	read(0, errDown)
	read(1, errAbsent) // too early
	read(11, errDown)  // told already
	for minute := 12; minute < 32; minute++ {
		read(minute, fmt.Errorf("line %d: odd", minute))
	}
	if got, want := log.String(), "err=down\nerr=\"line 12: odd\"\nerr=\"line 22: odd\"\n"; got != want {
		t.Errorf("logged\n%swant\n%s", got, want)
	}
	if r.FailedAt.Unix() != 1_700_000_000 {
		t.Errorf("failing since %v", r.FailedAt)
	}
}

// logger writes level and message of each line.
func logger(to *bytes.Buffer) *slog.Logger {
	return slog.New(slog.NewTextHandler(lines{to}, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == "err" {
			return slog.Attr{}
		}
		return a
	}}))
}

type lines struct{ to *bytes.Buffer }

func (l lines) Write(line []byte) (int, error) {
	text := strings.NewReplacer("level=", "", `msg="`, "", "\"\n", "\n").Replace(string(line))
	return l.to.WriteString(text)
}

// What was there at the start but could not be read is a backlog when it can, however often it failed meanwhile. What was not there, or
// fails later, is none.
func TestWhatCouldNotBeReadAtTheStartIsOwed(t *testing.T) {
	for name, c := range map[string]struct {
		reads []read
		want  bool
	}{
		"read":                             {[]read{{first: true}}, false},
		"some of it is no list":            {[]read{{err: errPartial, first: true}}, false},
		"can't be read":                    {[]read{{err: errDown, first: true}}, true},
		"can't be read, and again":         {[]read{{err: errDown, first: true}, {err: errDown}}, true},
		"can't be read, then is gone":      {[]read{{err: errDown, first: true}, {err: errAbsent}}, true},
		"can't be read, then is":           {[]read{{err: errDown, first: true}, {}}, false},
		"can't be read, then some of it":   {[]read{{err: errDown, first: true}, {err: errPartial}}, false},
		"cut short":                        {[]read{{err: errDown, first: true, short: true}}, true},
		"not there":                        {[]read{{err: errAbsent, first: true}}, false},
		"not there, then can't be read":    {[]read{{err: errAbsent, first: true}, {err: errDown}}, false},
		"read, then can't be":              {[]read{{first: true}, {err: errDown}}, false},
		"not at its end at the first look": {[]read{{err: source.ErrUnfinished, first: true}}, true},
	} {
		var r Reads
		for _, one := range c.reads {
			r.End(one.err, one.first, one.short, time.Now(), slog.New(slog.DiscardHandler))
		}
		if r.Owed != c.want {
			t.Errorf("%s: owed is %v", name, r.Owed)
		}
	}
}
