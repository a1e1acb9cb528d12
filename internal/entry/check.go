// What always holds of a task, for tests to check.

package entry

import (
	"errors"

	"github.com/kie-exporter/kie_exporter/internal/schedule"
)

// Check returns what does not hold of a tracked task though it always is to: see Task.
func (k *Task) Check() error {
	o, a := k.Unfinished, k.Kind.Group.Account
	switch {
	case k.Marks.Has(Removed):
		return errors.New("it is tracked, and said to be removed")
	case (o == nil) != k.State.Finished():
		return errors.New("it is finished, or has an Unfinished, but not one of both")
	case k.Kind.Model != nil && k.Kind.Model.Group != k.Kind.Group:
		return errors.New("its model is another group's")
	case o == nil:
		return nil
	case o.Asking && (o.IsQueued() || o.Shared):
		return errors.New("it is being asked and waits to be asked")
	case o.Asking:
		return nil
	case o.Shared != a.Backlog.Has(k) || o.Shared != (o.Lane == schedule.LaneBacklog):
		return errors.New("it is in the backlog, or shares what is known of it, but not both")
	case !o.Shared && (o.Waits || o.Seen.IsZero()):
		return errors.New("it has no part in the backlog, and lacks what those there lack")
	case !o.Shared && o.IsQueued() != (o.Lane != schedule.LaneNone):
		return errors.New("it waits nowhere, though it is not given up, or waits though it is")
	case o.Shared && (o.IsQueued() || o.IsAnswered()):
		return errors.New("it is in the backlog, and was asked or waits elsewhere")
	}
	return nil
}
