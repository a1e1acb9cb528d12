package set

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/groups"
)

// owners is a sink that holds what is tracked by account and id, and takes groups that change accounts along as the tracker does.
type owners struct {
	t        *testing.T
	set      *Set
	accounts map[string]string    // by group
	tasks    map[[2]string]string // group, by account and id
}

func newOwners(t *testing.T, limit int, groups ...Group) *owners {
	t.Helper()
	o := &owners{t: t, accounts: make(map[string]string), tasks: make(map[[2]string]string)}
	o.adopt(groups)
	set, err := New(groups, tasks(limit), o, discard())
	if err != nil {
		t.Fatal(err)
	}
	o.set = set
	if err := set.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return o
}

func (o *owners) Apply(c source.Change) {
	account := o.accounts[c.Group]
	for _, id := range c.Removed {
		if in := o.tasks[[2]string{account, id}]; in != c.Group {
			o.t.Errorf("%q of %q is removed from %q, was in %q", id, account, c.Group, in)
		}
		delete(o.tasks, [2]string{account, id})
	}
	for _, task := range c.Added {
		o.tasks[[2]string{account, task.ID}] = c.Group
	}
}

func (o *owners) adopt(groups []Group) {
	for _, g := range groups {
		from, known := o.accounts[g.Name]
		o.accounts[g.Name] = g.Account
		if !known || from == g.Account {
			continue
		}
		for at, group := range o.tasks {
			if group != g.Name {
				continue
			}
			delete(o.tasks, at)
			if to := [2]string{g.Account, at[1]}; o.tasks[to] == "" {
				o.tasks[to] = group
			}
		}
	}
}

func (o *owners) reload(limit int, groups ...Group) {
	o.t.Helper()
	p, err := o.set.Prepare(o.t.Context(), groups, tasks(limit))
	if err != nil {
		o.t.Fatal(err)
	}
	o.adopt(groups)
	o.set.Reconfigure(o.t.Context(), p)
}

// want checks what is tracked: "account/group: ids" for each group that has some.
func (o *owners) want(want ...string) {
	o.t.Helper()
	ids := make(map[string][]string)
	for at, group := range o.tasks {
		ids[at[0]+"/"+group] = append(ids[at[0]+"/"+group], at[1])
	}
	var got []string
	for group, of := range ids {
		slices.Sort(of)
		got = append(got, group+": "+strings.Join(of, " "))
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		o.t.Errorf("tracked: %q, want %q", got, want)
	}
}

// rejected returns how many ids of a group's inline list were rejected.
func (o *owners) rejected(group string, reason source.Rejection) uint64 {
	o.t.Helper()
	for _, m := range o.set.members {
		if m.key.group == group && m.key.label == groups.InlineLabel {
			return m.claims.Tally.Rejected()[reason]
		}
	}
	o.t.Fatalf("no list of %q", group)
	return 0
}

func inlined(account, name string, ids ...string) Group {
	return Group{Name: name, Account: account, Inline: ids}
}

func atMost(most int, g Group) Group {
	g.MaxTasks = most
	return g
}

// numbers returns ids that begin alike.
func numbers(prefix string, n int) (ids []string) {
	for i := range n {
		ids = append(ids, prefix+strconv.Itoa(i))
	}
	return ids
}

func TestWhatOneAccountListsTakesNothingFromAnother(t *testing.T) {
	o := newOwners(t, 100, inlined("one", "a", "x", "y"), inlined("two", "b", "x", "z"), inlined("one", "c", "y", "z"))
	o.want("one/a: x y", "one/c: z", "two/b: x z")
	if n := o.rejected("b", source.RejectedDuplicate) + o.rejected("a", source.RejectedDuplicate); n != 0 {
		t.Errorf("%d ids of two accounts count as listed twice", n)
	}
	o.reload(100, inlined("one", "a", "x", "y"), inlined("two", "b", "x", "z"), inlined("one", "c", "y", "z"))
	if a, c := o.set.members[0].claims.Refused()[source.KeptByOtherGroup], o.set.members[2].claims.Refused()[source.KeptByOtherGroup]; a != 0 || c != 1 {
		t.Errorf("%d and %d ids are in another group, want 0 and 1", a, c)
	}
	if n := o.rejected("c", source.RejectedDuplicate); n != 1 {
		t.Errorf("%d ids of one account count as listed twice, want 1", n)
	}
	o.reload(100, inlined("one", "a", "y"), inlined("two", "b", "x", "z"), inlined("one", "c", "y", "z"))
	o.want("one/a: y", "one/c: z", "two/b: x z")
	o.reload(100, inlined("two", "b", "z"))
	o.want("two/b: z")
	if n := o.set.ledger.Accounts(); n != 1 || o.set.ledger.Count() != 1 {
		t.Errorf("%d accounts with %d ids are held", n, o.set.ledger.Count())
	}
}

func TestAGroupGoesToAnotherAccountWithItsIDs(t *testing.T) {
	a, b, c := inlined("one", "a", "x", "y"), inlined("two", "b", "x", "z"), inlined("one", "c", "y", "w")
	o := newOwners(t, 100, a, b, c)
	o.want("one/a: x y", "one/c: w", "two/b: x z")
	a.Account = "two" // where it is first
	o.reload(100, a, b, c)
	o.want("one/c: w y", "two/a: x y", "two/b: z")
	a.Account, b.Account = "one", "one"
	o.reload(100, a, b, c)
	o.want("one/a: x y", "one/b: z", "one/c: w")
	b.Account, c.Account = "three", "three"
	c.Inline = []string{"z", "w"}
	o.reload(100, a, b, c)
	o.want("one/a: x y", "three/b: x z", "three/c: w")
}

func TestFillersOfOneGroupLeaveRoomForOthers(t *testing.T) {
	fillers := atMost(5, inlined("one", "fill", numbers("filler", 30)...))
	o := newOwners(t, 20, fillers, inlined("one", "work", numbers("job", 12)...))
	o.want("one/fill: filler25 filler26 filler27 filler28 filler29", "one/work: "+strings.Join(slices.Sorted(slices.Values(numbers("job", 12))), " "))
	if of, in := o.rejected("fill", source.RejectedMaxTasks), o.rejected("fill", source.RejectedLimit); of != 25 || in != 0 {
		t.Errorf("%d ids were refused for max_tasks and %d for limits.tasks, want 25 and 0", of, in)
	}
	if n := o.rejected("work", source.RejectedLimit); n != 0 {
		t.Errorf("%d ids of the other group were refused", n)
	}
	fillers.MaxTasks = 7 // then there is room for two more
	o.reload(20, fillers, inlined("one", "work", "job0"))
	o.want("one/fill: filler23 filler24 filler25 filler26 filler27 filler28 filler29", "one/work: job0")
	fillers.Inline = fillers.Inline[:24]
	o.reload(20, fillers, inlined("one", "work", "job0"))
	o.want("one/fill: filler17 filler18 filler19 filler20 filler21 filler22 filler23", "one/work: job0")
}

func TestIDsThatAnEarlierGroupHasTakeNoRoomOfAGroup(t *testing.T) {
	first, second := inlined("one", "a", "x0", "x1", "x2"), atMost(2, inlined("one", "b", "x0", "x1", "x2", "y0", "y1", "y2"))
	o := newOwners(t, 100, first, second)
	o.want("one/a: x0 x1 x2", "one/b: y1 y2")
	// What the first lets go makes the second one's no more than it may have.
	o.reload(100, inlined("one", "a", "x2"), second)
	o.want("one/a: x2", "one/b: y1 y2")
	if n := o.rejected("b", source.RejectedMaxTasks); n != 3 { // y0, x0 and x1
		t.Errorf("%d ids were refused, want 3", n)
	}
	second.MaxTasks = 0
	o.reload(100, inlined("one", "a", "x2"), second)
	o.want("one/a: x2", "one/b: x0 x1 y0 y1 y2")
	second.MaxTasks = 1 // drops nothing
	o.reload(100, inlined("one", "a", "x2"), second)
	o.want("one/a: x2", "one/b: x0 x1 y0 y1 y2")
}

func TestAnEarlierGroupWithoutRoomLeavesAnIDToALaterOne(t *testing.T) {
	a, b := atMost(1, inlined("one", "a", "x")), inlined("one", "b", "y", "z")
	o := newOwners(t, 100, a, b)
	a.Inline = []string{"x", "y"}
	o.reload(100, a, b)
	o.want("one/a: x", "one/b: y z")
	a.Inline = []string{"y"}
	o.reload(100, a, b)
	o.want("one/a: y", "one/b: z")
}

// TestGroupsKeepWhatIsTheirsWhateverIsReloaded puts random groups, accounts and lists in force.
func TestGroupsKeepWhatIsTheirsWhateverIsReloaded(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		most := int(seed % 2 * 4) // of a group; 0: all
		some := func() (groups []Group) {
			for i := range 3 {
				g := inlined(fmt.Sprint("account", random.IntN(2)), fmt.Sprint("g", i))
				for _, id := range []string{"u", "v", "w", "x", "y", "z"} {
					if random.IntN(2) == 0 {
						g.Inline = append(g.Inline, id)
					}
				}
				if random.IntN(6) > 0 && len(g.Inline) > 0 {
					groups = append(groups, atMost(most, g))
				}
			}
			random.Shuffle(len(groups), func(i, j int) { groups[i], groups[j] = groups[j], groups[i] })
			return groups
		}
		o := newOwners(t, 100, some()...)
		for range 20 {
			groups := some()
			o.reload(100, groups...)
			o.check(groups, most)
			if t.Failed() {
				t.Fatalf("seed %d: %+v", seed, groups)
			}
		}
	}
}

// check compares what is tracked with what the groups list.
func (o *owners) check(groups []Group, most int) {
	o.t.Helper()
	counts, listed := make(map[string]int), make(map[[2]string][]string)
	for _, g := range groups {
		for _, id := range g.Inline {
			at := [2]string{g.Account, id}
			listed[at] = append(listed[at], g.Name)
		}
	}
	for at, in := range o.tasks {
		counts[in]++
		if !slices.Contains(listed[at], in) {
			o.t.Errorf("%v is in %q, which does not list it", at, in)
		}
		if most == 0 && in != listed[at][0] {
			o.t.Errorf("%v is in %q, want %q", at, in, listed[at][0])
		}
	}
	for _, g := range groups {
		if most > 0 && counts[g.Name] > most {
			o.t.Errorf("%q has %d ids, want %d at the most", g.Name, counts[g.Name], most)
		}
	}
	if most == 0 && len(o.tasks) != len(listed) {
		o.t.Errorf("%d are tracked of %d", len(o.tasks), len(listed))
	}
	for _, m := range o.set.members {
		name, told := m.key.group, m.claims.Refused()[source.KeptByOtherGroup]
		account, tasks, coming := m.claims.Counts()
		lost := 0
		for at, in := range listed {
			if at[0] == account && slices.Contains(in, name) && o.tasks[at] != name {
				lost++
			}
		}
		if most == 0 && told != lost {
			o.t.Errorf("%q is said to have lost %d to other groups, want %d", name, told, lost)
		}
		if tasks != counts[name] || coming != 0 {
			o.t.Errorf("%q is said to have %d and %d to come, has %d", name, tasks, coming, counts[name])
		}
	}
	if o.set.ledger.Count() != len(o.tasks) {
		o.t.Errorf("%d ids are held, %d are tracked", o.set.ledger.Count(), len(o.tasks))
	}
}
