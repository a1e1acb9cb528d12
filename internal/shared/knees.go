// How many requests a second the API was found to let pass, for the next holder.

package shared

import (
	"strconv"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/store"
)

// KeepKnees has kept what a function returns for each account of which a part is held, from now on. It is to be called before Run.
func (s *Store) KeepKnees(of func() map[string]float64) { s.kneesOf = of }

// noteKnees notes what is to be kept with the next writing.
func (s *Store) noteKnees() {
	if s.kneesOf == nil {
		return
	}
	now := s.kneesOf()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.knees = now
}

// kneeNow returns what is to be kept of an account, in thousandths; empty: nothing is, as the account is not in force yet.
func (s *Store) kneeNow(account string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	knee, known := s.knees[account]
	if !known {
		return ""
	}
	return strconv.FormatInt(int64(knee*1000), 10)
}

// Knee returns how many requests a second of an account the API was found to let pass by who last held it, or before there were replicas by this
// process; 0: that is not known, or too long ago. Of several parts it is what was found last.
func (s *Store) Knee(account string) (knee float64) {
	s.mu.Lock()
	told := false
	var last time.Time
	for p, found := range s.seals {
		if p.Account != account || !found.hasKnee {
			continue
		}
		told = true
		if k := store.BelieveKnee(found.knee, found.ran); k > 0 && found.ran.After(last) {
			knee, last = k, found.ran
		}
	}
	s.mu.Unlock()
	if !told {
		return s.Copy.Knee(account)
	}
	return knee
}
