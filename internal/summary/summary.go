// Package summary sums up the unfinished tasks. It has no lock: the tracker's guards the tasks.
package summary

import (
	"time"

	"github.com/kie-exporter/kie_exporter/internal/entry"
	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// Summary is what the unfinished tasks come to, by group, model and account.
type Summary struct {
	OldestAnswer map[*entry.Group]time.Time
	classes      map[*entry.Group]map[kie.Class]int
	Oldest       map[*entry.Model]kie.Time
	Overdue      map[*entry.Model]int
	Due          map[*entry.Account]int
}

// New returns a summary of no tasks.
func New() Summary {
	return Summary{
		OldestAnswer: make(map[*entry.Group]time.Time),
		classes:      make(map[*entry.Group]map[kie.Class]int),
		Oldest:       make(map[*entry.Model]kie.Time),
		Overdue:      make(map[*entry.Model]int),
		Due:          make(map[*entry.Account]int),
	}
}

// Add adds an unfinished task.
func (s *Summary) Add(k *entry.Task, now time.Time) {
	o, g := k.Unfinished, k.Kind.Group
	if !o.GivenUp && !o.Due.After(now) {
		s.Due[g.Account]++
	}
	if o.Class != kie.ClassOK {
		if s.classes[g] == nil {
			s.classes[g] = make(map[kie.Class]int)
		}
		s.classes[g][o.Class]++
	}
	if !o.IsAnswered() || o.GivenUp {
		return
	}
	if at, ok := s.OldestAnswer[g]; !ok || o.Answered.Before(at) {
		s.OldestAnswer[g] = o.Answered
	}
	created := k.Created()
	if at, ok := s.Oldest[k.Kind.Model]; !created.IsZero() && (!ok || created < at) {
		s.Oldest[k.Kind.Model] = created
	}
	if o.Overdue {
		s.Overdue[k.Kind.Model]++
	}
}

// Failing returns how many of the group's tasks had a last query of each class.
func (s *Summary) Failing(g *entry.Group) map[kie.Class]int {
	all := make(map[kie.Class]int)
	for _, c := range kie.Classes() {
		if c != kie.ClassOK {
			all[c] = s.classes[g][c]
		}
	}
	return all
}
