// Who holds what others hold, for a person who asks.

package cluster

import (
	"context"
	"strconv"
	"strings"

	"github.com/kie-exporter/kie_exporter/internal/redis"
	"github.com/kie-exporter/kie_exporter/internal/share"
)

// Holder is a share that another replica holds, or nobody.
type Holder struct {
	share.Share

	Replica string // empty: nobody holds it, or Redis does not say
}

// Others returns the shares that this replica does not hold, in order, and who holds them. It waits for Redis as long as a call may take.
func (k *Keeper) Others(ctx context.Context) (others []Holder) {
	k.mu.Lock()
	shares, now := k.state.shares, k.serverTimeLocked()
	k.mu.Unlock()
	own := k.rights.Load().shares
	for _, sh := range shares {
		if _, held := own[sh]; !held {
			others = append(others, Holder{Share: sh})
		}
	}
	if len(others) == 0 {
		return nil
	}
	reply, err := k.options.Client.Do(ctx, redis.Call{Name: "read"}, "hgetall", k.keys[0])
	pairs, ok := reply.([]any)
	if err != nil || !ok {
		return others
	}
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
	for i := range others {
		others[i].Replica = holders[others[i].String()]
	}
	return others
}
