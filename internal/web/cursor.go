// Where a stream of finished tasks goes on.

package web

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// cursor is a finished task's place among all: by when its end was learned, then by id and account. Whatever finishes later comes after it.
type cursor struct {
	at          kie.Time
	id, account string
}

func cursorOf(k *view.Task) cursor { return cursor{k.Learned, k.ID, k.Account} }

func (c cursor) compare(o cursor) int {
	return cmp.Or(cmp.Compare(c.at, o.at), strings.Compare(c.id, o.id), strings.Compare(c.account, o.account))
}

// String returns the cursor as parseCursor reads it. It is of digits, a point and a to f, all times as long, so that in any collation the
// greatest text is the last place. A line end can be in neither an id nor the name of an account.
func (c cursor) String() string {
	return fmt.Sprintf("%013d.%s", c.at, hex.EncodeToString([]byte(c.id+"\n"+c.account)))
}

var errCursor = errors.New("finished_after: must be the cursor of a row, a time as in 2026-11-28T00:00:00Z, or 0")

// parseCursor reads a cursor, a time, after all that was learned until then, or 0, before everything.
func parseCursor(text string) (*cursor, error) {
	if text == "0" {
		return &cursor{at: math.MinInt64}, nil
	}
	// A plus that nobody escaped is a space.
	if t, err := time.Parse(time.RFC3339, strings.ReplaceAll(text, " ", "+")); err == nil {
		return &cursor{at: kie.Time(t.UnixMilli()) + 1}, nil // an empty id is before all of the next millisecond
	}
	at, name, _ := strings.Cut(text, ".")
	ms, err := strconv.ParseInt(at, 10, 64)
	of, err2 := hex.DecodeString(name)
	id, account, found := strings.Cut(string(of), "\n")
	if err != nil || err2 != nil || !found || ms < 0 {
		return nil, errCursor
	}
	return &cursor{kie.Time(ms), id, account}, nil
}
