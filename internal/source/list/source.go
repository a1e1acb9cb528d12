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
		for t := range l.missing.All() {
			l.relabel(t, moved)
		}
	}
}

// relabel puts the labels that the group has now into the list's claim on an id.
func (l *List) relabel(t *owners.Task, moved map[*claim.Attrs]*claim.Attrs) {
	l.source.all.IDs.Say(l.source.group.Account, &l.List, t, func(before *claim.Attrs) *claim.Attrs {
		if moved[before] == nil {
			moved[before] = before.On(l.source.base)
		}
		return moved[before]
	})
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
	return src.Tally.Skipped(lists)
}

// Counts returns the account of the source's group, how many ids the group has, and how many more it will have as soon as that is settled.
func (src *Source) Counts() (account string, tasks, coming int) {
	return src.group.Account.Name, src.group.Tasks, src.group.Coming
}

// Entrust has the ids of the source's lists be those of another account than that of its group.
func (src *Source) Entrust(to *owners.Account) {
	g, from := src.all, src.group.Account
	for l := range src.lists {
		for i, t := range l.tasks {
			l.tasks[i] = g.IDs.Transfer(&l.List, t, from, to)
		}
		missing := l.missing
		l.missing.Clear()
		for t, since := range missing.All() {
			l.missing.Put(g.IDs.Transfer(&l.List, t, from, to), since)
		}
	}
}

// Narrow releases the ids of the source's lists that are another replica's.
func (src *Source) Narrow() {
	for l := range src.lists {
		l.removeFunc(func(t *owners.Task) bool { return !src.group.Has(t.ID) })
	}
}

// Expire drops the claims of the source on ids that its successful reads have lacked for long enough. The read that ended now
// was successful, but for the lists that are held.
func (src *Source) Expire(now time.Time) {
	for l := range src.lists {
		if !l.held {
			l.missing.Expire(now, l.release)
		}
	}
}
