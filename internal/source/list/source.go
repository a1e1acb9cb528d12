// What is to be done with all lists of a source.

package list

import (
	"maps"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/claim"
	"github.com/kie-exporter/kie_exporter/internal/source/owners"
	"github.com/kie-exporter/kie_exporter/internal/source/tally"
)

// Wants reports whether one of the source's lists should be read again though it did not change, because there is room now.
func (src *Source) Wants() bool {
	for l := range src.lists {
		if l.Wants() {
			return true
		}
	}
	return false
}

// Label has the source's ids have these labels of the group, without another read.
func (src *Source) Label(labels map[string]string) {
	if maps.Equal(src.base.Labels, labels) {
		return
	}
	src.base = &claim.Attrs{Group: &src.group.Group, Labels: labels}
	moved := make(map[*claim.Attrs]*claim.Attrs)
	for l := range src.lists {
		for _, t := range l.tasks {
			l.relabel(t, moved)
		}
		for t := range l.missing {
			l.relabel(t, moved)
		}
	}
}

// relabel puts the labels that the group has now into the list's claim on an id.
func (l *List) relabel(t *owners.Task, moved map[*claim.Attrs]*claim.Attrs) {
	claimed := t.Claims.By(&l.List)
	if claimed == nil { // it was given up
		return
	}
	c, g := *claimed, l.source.all
	if moved[c.Attrs] == nil {
		moved[c.Attrs] = c.Attrs.On(l.source.base)
	}
	c.Attrs = moved[c.Attrs]
	t.Listing = g.IDs.Shared.Listing(g.IDs.Shared.With(t.Claims, c), t.Reported)
	l.touch(t)
}

// ReleaseMissing takes back the source's claims on what its lists lack, without the grace that files have.
func (src *Source) ReleaseMissing() {
	for l := range src.lists {
		l.releaseMissing()
	}
}

// Retire takes back all claims of the source, which is no more.
func (src *Source) Retire() {
	for l := range src.lists {
		l.releaseMissing()
		for _, t := range l.tasks {
			l.release(t)
		}
		src.all.Refused -= l.counts.Refused
		src.group.Refused -= l.counts.GroupFull
		l.tasks, l.counts.Refused, l.counts.GroupFull = nil, 0, 0
		src.all.letGo(l)
	}
}

// Lists returns how many lists the source has.
func (src *Source) Lists() int { return len(src.lists) }

// Listed returns how many ids the source lists, duplicates included.
func (src *Source) Listed() int { return src.tally.Listed() }

// Rejected returns how many ids were rejected, by why.
func (src *Source) Rejected() map[source.Rejection]uint64 { return src.tally.Rejected() }

// Refused returns how many ids of the source's lists its group does not have now, by why.
func (src *Source) Refused() map[source.Rejection]int {
	all := map[source.Rejection]int{
		source.RejectedLimit: 0, source.RejectedMaxTasks: 0, source.RejectedListIDs: 0, source.KeptByOtherGroup: src.Lost,
	}
	for l := range src.lists {
		all[source.RejectedLimit] += l.counts.Refused
		all[source.RejectedMaxTasks] += l.counts.GroupFull
		all[source.RejectedListIDs] += l.counts.Beyond
	}
	return all
}

// Owned returns how many ids are tracked because of the source.
func (src *Source) Owned() int {
	owned := 0
	for l := range src.lists {
		for _, t := range l.tasks {
			if owner := t.Claims.Owner(); owner != nil && owner.List == &l.List {
				owned++
			}
		}
	}
	return owned
}

// Skipped returns what of the source is not tracked, by reason, and where the first of each is.
func (src *Source) Skipped() []source.Skip {
	var lists []tally.Firsts
	for l := range src.lists {
		lists = append(lists, tally.Firsts{Name: l.Name, Lines: l.firsts})
	}
	return src.tally.Skipped(lists)
}

// Counts returns the account of the source's group, how many ids the group has, and how many more it will have as soon as that is settled.
func (src *Source) Counts() (account string, tasks, coming int) {
	return src.group.Account.Name, src.group.Tasks, src.group.Coming
}

// Account returns the account of the source's group.
func (src *Source) Account() string { return src.group.Account.Name }

// Reject counts ids that were rejected before they came here.
func (src *Source) Reject(reason source.Rejection, ids uint64) { src.tally.RejectSome(reason, ids) }

// Entrust has the ids of the source's lists be those of another account than that of its group.
func (src *Source) Entrust(to *owners.Account) {
	g, from := src.all, src.group.Account
	for l := range src.lists {
		for i, t := range l.tasks {
			l.tasks[i] = g.IDs.Transfer(&l.List, t, from, to)
		}
		missing := l.missing
		l.missing = nil
		for t, since := range missing {
			l.miss(g.IDs.Transfer(&l.List, t, from, to), since)
		}
	}
}

// Narrow releases the ids of the source's lists that are another replica's.
func (src *Source) Narrow() {
	for l := range src.lists {
		l.removeFunc(func(t *owners.Task) bool { return !src.group.Has(t.ID) })
	}
}

// Grace is how long the successful reads of a source must lack an id until it is dropped.
const Grace = 30 * time.Second

// Expire drops the claims of the source on ids that its successful reads have lacked for long enough. The read that ended now
// was successful, but for the lists that are held.
func (src *Source) Expire(now time.Time) {
	for l := range src.lists {
		if l.held {
			continue
		}
		for t, since := range l.missing {
			switch {
			case since.IsZero():
				l.missing[t] = now
			case now.Sub(since) >= Grace:
				delete(l.missing, t)
				l.release(t)
			}
		}
		if len(l.missing) == 0 {
			l.missing = nil // a map never gives memory back
		}
	}
}
