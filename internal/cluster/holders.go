// Who holds what, for a person who asks.

package cluster

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/redis"
	"github.com/kie-exporter/kie_exporter/internal/share"
)

// Holder is a share and who holds it.
type Holder struct {
	share.Share

	Replica string // empty: nobody holds it, or Redis does not say
}

// Holders returns all shares, in order, and who holds them, and whether Redis says so now: if not, they are those of the last time, if there
// was one. It waits for Redis as long as a call may take.
func (k *Keeper) Holders(ctx context.Context) (all []Holder, current bool) {
	k.mu.Lock()
	shares, now := k.state.shares, k.serverTimeLocked()
	k.mu.Unlock()
	reply, err := k.options.Client.Do(ctx, redis.Call{Name: "read"}, "hgetall", k.keys[0])
	if pairs, ok := reply.([]any); ok && err == nil {
		current = true
		k.holders.Store(new(holdersOf(pairs, now)))
	}
	if holders := k.holders.Load(); holders != nil {
		for _, sh := range shares {
			all = append(all, Holder{sh, (*holders)[sh.String()]})
		}
		return all, current
	}
	for _, sh := range shares {
		all = append(all, Holder{Share: sh})
	}
	return all, current
}

// holdersOf reads the table of leases.
func holdersOf(pairs []any, now time.Time) map[string]string {
	holders := make(map[string]string)
	for i := 0; i+1 < len(pairs); i += 2 {
		name, _ := pairs[i].(string)
		text, _ := pairs[i+1].(string)
		// replica|session|epoch|expires, as in tick.lua; what rests has ? for a replica
		if f := strings.Split(text, "|"); len(f) == 4 && f[0] != "?" {
			if ends, err := strconv.ParseInt(f[3], 10, 64); err == nil && ends > now.UnixMilli() {
				holders[name] = f[0]
			}
		}
	}
	return holders
}
