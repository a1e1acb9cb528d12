// What is known of all unfinished tasks, gathered in portions.

package tasks

import (
	"time"

	"github.com/kie-exporter/kie_exporter/internal/blocks"
	"github.com/kie-exporter/kie_exporter/internal/entry"
	"github.com/kie-exporter/kie_exporter/internal/summary"
)

// Survey goes through the unfinished tasks from the first to the last. Others may come and go between two portions, so what the tasks
// come to is that of some moment on the way for each of them; but each that is there all the time counts once.
type Survey struct {
	now    time.Time
	next   int // position; those below were visited
	limit  int // of newest
	sum    summary.Summary
	newest blocks.Newest[*entry.Task]
}

// NewSurvey returns a survey that has visited none. A set has one under way at a time.
func NewSurvey(now time.Time) *Survey { return &Survey{now: now, sum: summary.New()} }

func (v *Survey) visit(k *entry.Task) {
	v.sum.Add(k, v.now)
	if k.Unfinished.IsAnswered() {
		v.newest.Add(Aged{Born: k.Born(), ID: k.ID, Account: k.Kind.Group.Account.Name, Task: k}, v.limit)
	}
}

// moved takes the news that a task goes from one position to another, and visits it if it would be missed.
func (v *Survey) moved(k *entry.Task, from, to int) {
	if v != nil && to < v.next && from >= v.next {
		v.visit(k)
	}
}

// Limit returns how many tasks may have series, as far as the survey knows.
func (v *Survey) Limit() int { return v.limit }

// Len returns how many of the tasks visited so far may have series.
func (v *Survey) Len() int { return v.newest.Len() }

// Newest returns the newest tasks that were answered.
func (v *Survey) Newest() []Aged { return v.newest.Sorted() }

// Aged is an unfinished task that was answered, with its age.
type Aged = blocks.Aged[*entry.Task]

// Due returns how many tasks of an account were due.
func (v *Survey) Due(a *entry.Account) int { return v.sum.Due[a] }
