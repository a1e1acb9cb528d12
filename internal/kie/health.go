// What the API tells of a model without any id: how many of everybody's tasks succeed.

package kie

import (
	"context"
	"encoding/json"
	"math"
	"strings"
	"time"
)

// Health is how a model fared in some ten minutes, with the tasks of all the API's users.
type Health struct {
	Success float64 // the share of tasks that succeeded, 0 to 1
	End     Time    // of the ten minutes; zero: nothing is known
}

// The members of an answer about a model.
const (
	pointsMember  = "points"
	endMember     = "end"
	successMember = "successRate" // in per cent; null where there were no tasks
)

// mostPoints is how many times ten minutes an answer may tell of. There are 144 of them in a day; what is beyond is not believed.
const mostPoints = 1000

// IsCatalogued reports whether a model's name may be one of the API's catalogue: one or two parts, of which no character means anything
// in a path.
func IsCatalogued(model string) bool {
	parts := strings.Split(model, "/")
	for _, part := range parts {
		if part == "" || strings.Trim(part, ".") == "" || strings.ContainsFunc(part, isNoModelCharacter) {
			return false
		}
	}
	return len(parts) <= 2
}

func isNoModelCharacter(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.", r)
}

// ModelHealth asks how a model fares. It must be one that IsCatalogued. Nothing known is no error. Its errors are those of Record.
func (c *Client) ModelHealth(ctx context.Context, model string) (Health, error) {
	r, err := c.get(ctx, c.urls[ModelHealth].JoinPath(model, "success-rate"))
	if err != nil {
		return Health{}, err
	}
	return r.health(model)
}

// health reads the reply to the question how a model fares: the last ten minutes that are over and in which there were tasks.
func (r reply) health(model string) (Health, error) {
	e := openEnvelope(r.body)
	class := classify(r.status, e)
	if class == ClassTaskFailed {
		class = ClassServer // there is no task here that could have failed
	}
	if class != ClassOK {
		return Health{}, r.refuse(class, e)
	}
	var data object
	var points []object
	switch malformed := json.Unmarshal(e.data, &data) != nil; {
	case isNull(e.data):
		return Health{}, r.refuse(ClassNotFound, e)
	case malformed:
		return Health{}, r.refuse(ClassDecode, e)
	case text(data.member(modelMember)) != "" && text(data.member(modelMember)) != model:
		return Health{}, r.refuse(ClassMismatch, e)
	case json.Unmarshal(data.member(pointsMember), &points) != nil || len(points) > mostPoints:
		return Health{}, r.refuse(ClassDecode, e)
	}
	var last Health
	for _, p := range points {
		if h, ok := p.health(TimeOf(r.likelyNow())); ok && h.End > last.End {
			last = h
		}
	}
	return last, nil
}

// health reads what is told of ten minutes; false: nothing that counts, or they are not over yet.
func (o object) health(now Time) (Health, bool) {
	end, err := time.Parse(time.RFC3339, text(o.member(endMember)))
	percent, ok := number(o.member(successMember))
	h := Health{Success: math.Abs(percent) / 100, End: TimeOf(end)} // −0 is 0
	return h, err == nil && ok && percent >= 0 && percent <= 100 && h.End.Valid() && h.End <= now
}
