// How accounts, groups and storage stand.

package view

import (
	"time"

	"github.com/kie-exporter/kie_exporter/internal/store"
)

// Status is how what is asked and kept stands at one moment, without a look at the tasks. It is immutable.
type Status struct {
	At       time.Time
	Accounts []Account // what is due is not among what is known of them
	Groups   []GroupStatus
	Storage  store.Stats
	Keeps    bool // what is known is to be kept on disk
}

// GroupStatus is how the tasks of one group come to be asked.
type GroupStatus struct {
	Name, Account string
	Tasks         int
	Callbacks     bool // callbacks are expected
	Relied        bool // they come, so that polling is a safety net only
}
