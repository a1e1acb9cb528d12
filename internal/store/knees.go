// How many requests a second the API was found to let pass.

package store

import (
	"errors"
	"strings"
	"time"

	"go.etcd.io/bbolt"
)

// kneeOf begins the key under which an account's is kept, in thousandths. Versions that know nothing of it pass it over.
const kneeOf = "knee\x00"

// mostKnee is more than any that can be true, and kneesLast for how long one is believed that nobody has seen to.
const (
	mostKnee  = 1e6
	kneesLast = 7 * 24 * time.Hour
)

// Knee returns how many requests a second of an account the API was found to let pass when the previous process last wrote; 0: that is not
// known, or too long ago.
func (s *Store) Knee(account string) float64 { return s.knees[account] }

// KeepKnees has kept what a function returns for each account, from now on. It is to be called before Run.
func (s *Store) KeepKnees(of func() map[string]float64) { s.kneesOf = of }

func (s *Store) kneesNow() map[string]float64 {
	if s.kneesOf == nil {
		return nil
	}
	return s.kneesOf()
}

// believeKnees takes what a file says.
func (s *Store) believeKnees(found map[string]float64) {
	if kneesHold(s.lastRun) {
		s.knees = found
	}
}

func kneesHold(lastRun time.Time) bool { return !lastRun.IsZero() && time.Since(lastRun) < kneesLast }

// BelieveKnee returns a knee of which so many thousandths were kept by who ran last at some time; 0: it can't be true, or is too long ago.
func BelieveKnee(thousandths int64, lastRun time.Time) float64 {
	knee := float64(thousandths) / 1000
	if knee <= 0 || knee >= mostKnee || !kneesHold(lastRun) {
		return 0
	}
	return knee
}

// takeKnee takes an account's from the first bucket.
func (c *contents) takeKnee(key, value []byte) {
	account, is := strings.CutPrefix(string(key), kneeOf)
	knee := float64(unsealNumber(key, value)) / 1000
	if is && knee > 0 && knee < mostKnee {
		if c.knees == nil {
			c.knees = make(map[string]float64)
		}
		c.knees[account] = knee
	}
}

// putKnees keeps them; 0: nothing is known any more.
func putKnees(meta *bbolt.Bucket, knees map[string]float64) (err error) {
	for account, knee := range knees {
		key := kneeOf + account
		if n := int64(knee * 1000); n > 0 {
			err = errors.Join(err, meta.Put([]byte(key), sealNumber(key, n)))
		} else {
			err = errors.Join(err, meta.Delete([]byte(key)))
		}
	}
	return err
}
