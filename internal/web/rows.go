// Tasks as rows: CSV as RFC 4180 has it, or a JSON object a line.

package web

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The formats of /api/v1/tasks.
const (
	formatJSON   = "json"
	formatCSV    = "csv"
	formatNDJSON = "ndjson"
)

// taskRow is a task in a stream.
type taskRow struct {
	taskRecord
	Cursor string `json:"cursor,omitempty"` // of a finished task where those after another one were asked for
}

// rows writes tasks.
type rows interface {
	write(r *taskRow) error
	flush() error
}

// newRows returns what writes tasks in a format, and sets the header that names it.
func newRows(format string, h http.Header, w io.Writer) rows {
	to := bufio.NewWriterSize(w, 64<<10)
	if format == formatCSV {
		h.Set("Content-Type", "text/csv; charset=utf-8; header=present")
		c := csv.NewWriter(to)
		c.UseCRLF = true
		return &csvRows{to: to, csv: c}
	}
	h.Set("Content-Type", "application/x-ndjson")
	return &jsonRows{to: to}
}

type jsonRows struct{ to *bufio.Writer }

func (j *jsonRows) write(r *taskRow) error {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = j.to.Write(append(line, '\n'))
	return err
}

func (j *jsonRows) flush() error { return j.to.Flush() }

type csvRows struct {
	to    *bufio.Writer
	csv   *csv.Writer
	begun bool
	cells []string
}

// columns are what a row of CSV has. New ones come at the end.
func columns() []string {
	return []string{
		"task_id", "group", "account", "model", "state", "created_at", "completed_at", "latency_seconds", "fail_code", "reason", "credits",
		"labels", "overdue", "given_up", "first_seen_at", "last_answer_at", "query_error", "learned_at", "cursor",
	}
}

func (c *csvRows) write(r *taskRow) error {
	if err := c.begin(); err != nil {
		return err
	}
	labels := ""
	if len(r.Labels) > 0 {
		text, err := json.Marshal(r.Labels)
		if err != nil {
			return err
		}
		labels = string(text)
	}
	c.cells = append(c.cells[:0],
		plainCell(r.ID), plainCell(r.Group), plainCell(r.Account), plainCell(r.Model), r.State, cellOfTime(r.Created), cellOfTime(r.Completed),
		cellOfNumber(r.Latency), plainCell(r.FailCode), r.Reason, cellOfNumber(r.Credits),
		labels, strconv.FormatBool(r.Overdue), strconv.FormatBool(r.GivenUp), cellOfTime(r.FirstSeen), cellOfTime(r.LastAnswer), r.QueryError,
		cellOfTime(r.Learned), r.Cursor,
	)
	return c.csv.Write(c.cells)
}

// begin writes the header, once.
func (c *csvRows) begin() error {
	if c.begun {
		return nil
	}
	c.begun = true
	return c.csv.Write(columns())
}

func (c *csvRows) flush() error {
	err := c.begin()
	c.csv.Flush()
	if err == nil {
		err = c.csv.Error()
	}
	if err != nil {
		return err
	}
	return c.to.Flush()
}

// plainCell returns a text from outside as no spreadsheet takes it for a formula: behind an apostrophe where it begins like one.
func plainCell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

func cellOfTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format("2006-01-02T15:04:05.000Z07:00")
}

func cellOfNumber(f *float64) string {
	if f == nil {
		return ""
	}
	return strconv.FormatFloat(*f, 'f', -1, 64)
}
