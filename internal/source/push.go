// Pushes: what producers say of a group's ids, instead of listing them.

package source

import "errors"

// What a push as a whole is refused for.
var (
	// ErrNoPushes says that the group takes no pushes, or that there is no such group.
	ErrNoPushes = errors.New("no such group, or one that takes no pushes")
	// ErrStarting says that what was pushed before is not read yet.
	ErrStarting = errors.New("the exporter is starting, or its storage can't be read")
	// ErrNotKept says that the storage takes no ids now, so that none of the push counts.
	ErrNotKept = errors.New("the storage takes no ids now")
)

// Push is what a producer asks of a group, and what came of it.
type Push struct {
	Group    string
	Add      []Task
	Remove   []string
	Rejected map[Rejection]uint64 // what was no id, by why: only counted

	// The outcome. Of a push with an error nothing counts.
	Err       error
	Accepted  int               // ids of Add that are new and safe
	Known     int               // that had been pushed before
	Refused   map[int]Rejection // those that are not taken, by their index in Add
	Forgotten int               // ids of Remove that had been pushed
}

// IsOverLimit reports whether there was no room for some of the ids.
func (p *Push) IsOverLimit() bool {
	for _, reason := range p.Refused {
		if reason != RejectedSecret {
			return true
		}
	}
	return false
}

// Refuse notes that an id of Add is not taken, and why.
func (p *Push) Refuse(i int, why Rejection) {
	if p.Refused == nil {
		p.Refused = make(map[int]Rejection)
	}
	p.Refused[i] = why
}

// Pushed is a pushed id as it is kept beyond the process.
type Pushed struct {
	Group string
	Task  Task // with the labels that its producer gave
	Gone  bool // it is to be kept no longer
}

// ByGroup returns the pushes without an error, by group.
func ByGroup(all []*Push) map[string][]*Push {
	groups := make(map[string][]*Push)
	for _, p := range all {
		if p.Err == nil {
			groups[p.Group] = append(groups[p.Group], p)
		}
	}
	return groups
}

// PushedTo returns those of some changes that are a group's.
func PushedTo(group string, all []Pushed) (own []Pushed) {
	for _, c := range all {
		if c.Group == group {
			own = append(own, c)
		}
	}
	return own
}
