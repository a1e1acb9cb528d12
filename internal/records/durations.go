// What was learned of how long tasks take, for who goes on with an account.

package records

import (
	"strings"

	"github.com/kie-exporter/kie_exporter/internal/entry"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
)

// Durations returns what was learned of the durations of an account's tasks, by group, and by group and model with a NUL between.
func (k *Keeper) Durations(account string) map[string][]byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	kept := make(map[string][]byte)
	for _, g := range k.groupsOfLocked(account) {
		g.Learned.Each(func(model string, all bool, d *schedule.Durations) {
			name := g.Name
			if !all {
				name += "\x00" + model
			}
			if data, err := d.AppendBinary(nil); err == nil {
				kept[name] = data
			}
		})
	}
	return kept
}

func (k *Keeper) groupsOfLocked(account string) (groups []*entry.Group) {
	for _, g := range k.tasks.Groups {
		if g.Account.Name == account && !g.Leaving {
			groups = append(groups, g)
		}
	}
	return groups
}

// GoOn goes on with what Durations returned to another process. It is to be called before tasks of the account are listed. Unread is how much of
// it made no sense.
func (k *Keeper) GoOn(account string, kept map[string][]byte) (unread int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, g := range k.groupsOfLocked(account) {
		for name, data := range kept {
			group, model, named := strings.Cut(name, "\x00")
			if group != g.Name {
				continue
			}
			d, err := schedule.ParseDurations(data)
			if err != nil {
				unread++
				continue
			}
			if named {
				if model, named = k.tasks.Limits.Model(model); !named {
					continue // it is one of those that go by another name
				}
			}
			g.Learned.GoOn(model, !strings.Contains(name, "\x00"), d)
		}
	}
	return unread
}
