// Package groups says where the ids of groups come from, as it is configured, and whether that can be.
package groups

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source/files"
	"github.com/kie-exporter/kie_exporter/internal/source/remote"
)

// Group is where the ids of a group come from.
type Group struct {
	Name     string
	Account  string
	MaxTasks int // that are tracked at most; 0: as many as of all groups
	Inline   []string
	Files    []files.Pattern
	HTTP     *remote.HTTP // nil: none
	Push     *Push        // nil: no ids are pushed
	Labels   map[string]string
	// Has reports whether a task is this process's, and not another replica's: the ids of others are passed over. Nil: all are.
	Has   func(id string) bool
	Parts string // which tasks Has says so of, in any words
}

// Push is how ids are pushed to a group.
type Push struct {
	Keep time.Duration // how long a task stays that has finished
}

// The labels of sources whose name is not the user's. The URL of a list may hold secrets.
const (
	InlineLabel = "inline"
	HTTPLabel   = "http"
	PushLabel   = "push"
)

// Check names every pattern that is malformed or there twice in a group, and every list by HTTP that can't be fetched as it is
// to be, because of a certificate for example. It asks no server.
func Check(groups []Group) error {
	var errs []error
	for _, g := range groups {
		if g.HTTP != nil {
			if _, err := remote.Connect(g.HTTP); err != nil {
				errs = append(errs, fmt.Errorf("group %q: http: %w", g.Name, err))
			}
		}
		for i, p := range g.Files {
			if err := checkPattern(g, i); err != nil {
				errs = append(errs, fmt.Errorf("group %q: pattern %q: %w", g.Name, p.Written, err))
			}
		}
	}
	return errors.Join(errs...)
}

// checkPattern looks at the i-th pattern of a group.
func checkPattern(g Group, i int) error {
	p := g.Files[i]
	same := func(other files.Pattern) bool { return other.Written == p.Written }
	if slices.ContainsFunc(g.Files[:i], same) || len(g.Inline) > 0 && p.Written == InlineLabel ||
		g.HTTP != nil && p.Written == HTTPLabel || g.Push != nil && p.Written == PushLabel {
		return errors.New("another source of the group has the same name")
	}
	return p.Check()
}
